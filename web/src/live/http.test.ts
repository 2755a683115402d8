import { afterEach, expect, test, vi } from 'vitest';
import { ApiError, explain, get, onUnreachable } from './http';

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

test.each([
  'Unable to preload CSS for http://127.0.0.1:1/assets/HealthPage-Cq_l3Csy.css',
  'Failed to fetch dynamically imported module: http://127.0.0.1:1/assets/HealthPage.js',
  'error loading dynamically imported module',
  'Importing a module script failed.',
])('a file of the page that does not come says so in words: %s', (thrown) => {
  expect(explain(new TypeError(thrown))).toMatch(/cannot be reached/);
});

test('what the hub says is shown as it is, whatever it quotes', () => {
  const quoted = 'There is no file "error loading dynamically imported module".';
  expect(explain(new ApiError(quoted, 404, 'not_found'))).toBe(quoted);
});

test.each([
  ['7', 7],
  [null, 9],
  ['Fri, 31 Dec 1999 23:59:59 GMT', 9],
])('the wait is the header %s, or else what the problem says', async (header, seconds) => {
  const problem = { detail: 'Too many.', code: 'too_many_requests', retryAfter: 9 };
  const headers: HeadersInit = header === null ? {} : { 'Retry-After': header };
  vi.stubGlobal('fetch', async () => Response.json(problem, { status: 429, headers }));
  await expect(get('/api/me')).rejects.toMatchObject({ retryAfter: seconds });
});
