import { expect, test } from 'vitest';
import { boundedSize, MAX_TERMINAL_SIZE, SCROLLBACK_ROWS, scrollbackOf } from './terminalSize';

test.each([
  [
    { cols: 5_000, rows: 5_000 },
    { cols: 1_000, rows: 500 },
  ],
  [
    { cols: 1_001, rows: 24 },
    { cols: 1_000, rows: 24 },
  ],
  [
    { cols: 80, rows: 501 },
    { cols: 80, rows: 500 },
  ],
  [
    { cols: 1e300, rows: Number.POSITIVE_INFINITY },
    { cols: 1_000, rows: 500 },
  ],
  [
    { cols: Number.NaN, rows: -3 },
    { cols: 1, rows: 1 },
  ],
  [
    { cols: 132, rows: 43 },
    { cols: 132, rows: 43 },
  ],
])('a terminal of %j is drawn as %j', (asked, drawn) => {
  expect(boundedSize(asked)).toEqual(drawn);
});

test('what is kept of the widest terminal is bounded in cells, not in rows', () => {
  expect(scrollbackOf({ cols: 80, rows: 24 })).toBe(SCROLLBACK_ROWS);
  expect(scrollbackOf(MAX_TERMINAL_SIZE) * MAX_TERMINAL_SIZE.cols).toBeLessThanOrEqual(3_000_000);
  expect(scrollbackOf({ cols: 5_000, rows: 5_000 })).toBe(scrollbackOf(MAX_TERMINAL_SIZE));
});
