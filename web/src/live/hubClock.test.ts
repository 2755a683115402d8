import { afterEach, expect, test, vi } from 'vitest';
import type { Task } from '../protocol/messages';
import { hubNow, learnHubTime } from './hubClock';
import { elapsed } from './words';

const NOON = Date.parse('2026-01-01T12:00:00Z');
const MINUTE = 60_000;

afterEach(() => {
  learnHubTime(Date.now() * 1000);
  vi.useRealTimers();
});

test.each([-90, -1, 0, 1, 90])('times are by the hub, with our clock %d min ahead', (minutes) => {
  vi.useFakeTimers({ now: NOON + minutes * MINUTE });
  learnHubTime(NOON * 1000);
  expect(hubNow()).toBe(NOON);
  vi.advanceTimersByTime(5000);
  expect(hubNow()).toBe(NOON + 5000);
  const task = { startedAt: '2026-01-01T11:59:50Z', finishedAt: null } as Task;
  expect(elapsed(task, hubNow())).toBe(15);
});
