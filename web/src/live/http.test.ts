import { afterEach, expect, test, vi } from 'vitest';
import { get, onUnreachable } from './http';

afterEach(() => {
  onUnreachable(null);
  vi.unstubAllGlobals();
});

test('a request that finds no hub is told of, one that is refused or called off is not', async () => {
  let told = 0;
  onUnreachable(() => {
    told += 1;
  });
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('no network')));
  await expect(get('/api/me')).rejects.toMatchObject({ status: 0 });
  expect(told).toBe(1);
  await expect(get('/api/me', AbortSignal.abort())).rejects.toBeDefined();
  vi.stubGlobal('fetch', () => Promise.resolve(Response.json({}, { status: 500 })));
  await expect(get('/api/me')).rejects.toMatchObject({ status: 500 });
  expect(told).toBe(1);
});
