import { expect, test } from 'vitest';
import { formatDeviceCode, isDeviceCode } from './deviceCode';

test.each([
  ['', ''],
  ['ab', 'AB'],
  ['abcd', 'ABCD'],
  ['abcde', 'ABCD-E'],
  [' abcd efgh\n', 'ABCD-EFGH'],
  ['ABCD–EFGH', 'ABCD-EFGH'],
  ['abcd-efgh-and more', 'ABCD-EFGH'],
])('%j is shown as %j', (typed, shown) => {
  expect(formatDeviceCode(typed)).toBe(shown);
});

test('a code is complete with its eighth character', () => {
  expect(isDeviceCode('ABCD-EFG')).toBe(false);
  expect(isDeviceCode('ABCD-EFGH')).toBe(true);
});
