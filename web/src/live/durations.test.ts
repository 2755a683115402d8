import { expect, test } from 'vitest';
import { parseDuration, writeDuration } from './durations';

test.each([
  ['90', 90],
  ['90 s', 90],
  ['10 min', 600],
  ['10m', 600],
  ['1 h 30 min', 5400],
  ['1h30m', 5400],
  ['2 d', 172_800],
  ['0.5 s', 0.5],
])('%j is %d seconds', (text, seconds) => {
  expect(parseDuration(text)).toBe(seconds);
});

test.each([[''], ['0'], ['-5'], ['soon'], ['5 x'], ['min'], ['5 min later']])(
  '%j is no duration',
  (text) => {
    expect(parseDuration(text)).toBeNull();
  },
);

test.each([
  [0.031, '0.031 s'],
  [1.44, '1.44 s'],
  [90, '1 min 30 s'],
  [90.5, '90.5 s'],
  [5400, '1 h 30 min'],
  [5401, '5401 s'],
])('%d seconds are written %j', (seconds, text) => {
  expect(writeDuration(seconds)).toBe(text);
  expect(parseDuration(text)).toBe(seconds);
});
