import { expect, test } from 'vitest';
import { ApiError } from './http';
import { mayPass, retryDelayMs } from './retrying';

const failed = (status: number, retryAfter: number | null = null) =>
  new ApiError('No.', status, 'no', retryAfter);

test.each([
  ['a hub that cannot be reached', failed(0), true],
  ['a fault of the hub', failed(500), true],
  ['a hub that goes down', failed(503, 2), true],
  ['too many requests', failed(429, 30), true],
  ['too many for long', failed(429, 31), false],
  ['something that is not there', failed(404), false],
  ['a refusal', failed(403), false],
  ['a mistake of ours', new TypeError(), true],
])('%s is asked again: %s', (_, error, again) => {
  expect(mayPass(0, error)).toBe(again);
  expect(mayPass(2, error)).toBe(false);
});

test('no sooner than the hub asks', () => {
  expect(retryDelayMs(0, failed(429, 4), () => 0)).toBe(4000);
  expect(retryDelayMs(1, failed(503, 4), () => 0.5)).toBe(6000);
});

test('later each time where the hub says nothing', () => {
  expect([0, 1].map((failures) => retryDelayMs(failures, failed(0)))).toEqual([1000, 2000]);
});
