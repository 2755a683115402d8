import { expect, test } from 'vitest';
import type { HealthPoints } from '../protocol/messages';
import { joinPoints, KEPT_POINTS } from './healthPoints';

function points(from: number, to: number): HealthPoints {
  const time = Array.from({ length: to - from }, (_, index) => (from + index) * 5);
  return {
    time,
    connections: { daemons: time.map(() => 1), viewers: [...time] },
    runningTasks: [...time],
    bytesInPerSecond: [...time],
    bytesOutPerSecond: [...time],
    fsyncMsP50: time.map(() => null),
    fsyncMsMax: [...time],
    loopLagMsMax: [...time],
    commitQueue: [...time],
    unflushedBytes: [...time],
    memoryBytes: [...time],
    descriptors: [...time],
    cpuPercent: [...time],
  };
}

test('what overlaps is taken once, in every column', () => {
  expect(joinPoints(points(0, 10), points(5, 15))).toEqual(points(0, 15));
});

test('what is not newer changes nothing', () => {
  const known = points(0, 10);
  expect(joinPoints(known, points(0, 10))).toBe(known);
  expect(joinPoints(known, points(0, 0))).toBe(known);
});

test('no more than the last hour is kept', () => {
  const joined = joinPoints(points(0, KEPT_POINTS), points(KEPT_POINTS, KEPT_POINTS + 3));
  expect(joined).toEqual(points(3, KEPT_POINTS + 3));
});
