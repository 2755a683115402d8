import { expect, test } from 'vitest';
import { sparkline } from './sparkline';

const BOX = { width: 30, height: 10, slots: 4 };

test('the newest value is at the right, the highest at the top', () => {
  expect(sparkline([5, 20, 10], BOX)).toEqual({
    path: 'M10.0 7.5L20.0 0.0L30.0 5.0',
    last: 10,
    lowest: 5,
    highest: 20,
  });
});

test('small differences stay small', () => {
  expect(sparkline([10, 10], BOX).path).toBe('M20.0 5.0L30.0 5.0');
});

test('a missing value breaks the line, a lone one is a dot', () => {
  expect(sparkline([10, null, 20, 20], BOX).path).toBe('M0.0 5.0L0.0 5.0M20.0 0.0L30.0 0.0');
});

test('older values than fit are left out', () => {
  expect(sparkline([99, 1, 1, 1, 1], BOX).highest).toBe(1);
});

test('without values there is no line', () => {
  expect(sparkline([null], BOX)).toEqual({ path: '', last: null, lowest: null, highest: null });
});
