import { expect, test } from 'vitest';
import { formatAge, formatAgo, formatDuration, formatMilliseconds, formatSize } from './format';

test.each([
  [0, '0 bytes'],
  [1, '1 byte'],
  [1023, '1023 bytes'],
  [1024, '1.0 KiB'],
  [12_288, '12 KiB'],
  [19_293_184, '18.4 MiB'],
  [3 * 1024 ** 3, '3.0 GiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatSize(bytes)).toBe(text);
});

test.each([
  [-1, '0 ms'],
  [0.031, '31 ms'],
  [1.44, '1.4 s'],
  [52.2, '52 s'],
  [401, '6 min 41 s'],
  [4320, '1 h 12 min'],
  [183_600, '2 d 3 h'],
])('%d seconds are %s', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});

test('milliseconds have a digit after the point where it matters', () => {
  expect([0.83, 23.2].map(formatMilliseconds)).toEqual(['0.8 ms', '23 ms']);
});

test.each([
  [3, 'now'],
  [300, '5 min'],
  [10_900, '3 h'],
  [200_000, '2 d'],
])('%d seconds ago is %s', (seconds, text) => {
  expect(formatAge(seconds)).toBe(text);
});

test.each([
  [0, 'just now'],
  [61, '1 min ago'],
  [7200, '2 h ago'],
])('%d seconds are %s', (seconds, text) => {
  expect(formatAgo(seconds)).toBe(text);
});
