import { afterEach, expect, test, vi } from 'vitest';
import { wheelAddress } from './wheel';

const HUB = 'https://hub.example';

afterEach(() => vi.unstubAllGlobals());

function answers(url: string, ok = true): void {
  vi.stubGlobal('fetch', () => Promise.resolve({ ok, url }));
}

test('the package is called by its real name', async () => {
  answers(`${HUB}/arborlink-1.2.3-py3-none-any.whl`);
  expect(await wheelAddress(HUB)).toBe(`${HUB}/arborlink-1.2.3-py3-none-any.whl`);
});

test.each([
  [`${HUB}/arbor.whl`, true],
  [`${HUB}/arborlink-1.2.3-py3-none-any.whl`, false],
  ['https://evil.example/arborlink-9-py3-none-any.whl', true],
  [`${HUB}/arborlink-1 && rm -rf ~`, true],
])('an answer from %s (%s) says nothing', async (url, ok) => {
  answers(url, ok);
  expect(await wheelAddress(HUB)).toBe(`${HUB}/arbor.whl`);
});

test('without an answer it is where the hub redirects from', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('no network')));
  expect(await wheelAddress(HUB)).toBe(`${HUB}/arbor.whl`);
});
