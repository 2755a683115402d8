import { expect, test } from 'vitest';
import { binaryTop, decimalTop, plotInWords } from './plots';

test.each([
  [0, 10],
  [9, 10],
  [10, 10],
  [11, 20],
  [21, 50],
  [51, 100],
  [101, 200],
])('a scale for values up to %d ends at %d', (highest, top) => {
  expect(decimalTop(10)(highest)).toBe(top);
});

test.each([
  [0, 4096],
  [4097, 8192],
  [1_000_000, 1_048_576],
])('a scale for sizes up to %d ends at %d', (highest, top) => {
  expect(binaryTop(highest)).toBe(top);
});

test('a plot says what it shows', () => {
  const plot = {
    title: 'Traffic',
    meaning: 'Bytes over all connections',
    format: String,
    top: decimalTop(1),
    series: [
      { label: 'in', color: '--leaf', values: [1, 7, null, 3] },
      { label: 'out', color: '--blue', values: [null, null] },
    ],
  } as const;
  expect(plotInWords(plot)).toBe(
    'Traffic in the last hour. Bytes over all connections. ' +
      'in 3, at most 7; out: nothing is known yet.',
  );
});
