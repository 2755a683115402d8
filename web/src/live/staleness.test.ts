import { expect, test } from 'vitest';
import type { Task, Workspace } from '../protocol/messages';
import { taskStaleSince } from './staleness';

const AWAY_SINCE = Date.parse('2026-01-01T13:13:00Z');
const away = { state: 'unreachable', since: '2026-01-01T13:13:00Z' } as Workspace;
const there = { state: 'connected', since: '2026-01-01T10:00:00Z' } as Workspace;

function task(status: Task['status']): Task {
  return { status } as Task;
}

test.each([
  ['running', there, null, null],
  ['running', away, null, AWAY_SINCE],
  ['running', there, 5, 5],
  ['running', away, AWAY_SINCE + 60_000, AWAY_SINCE],
  ['running', away, AWAY_SINCE - 60_000, AWAY_SINCE - 60_000],
  ['running', { ...away, since: null }, null, null],
  ['running', undefined, null, null],
  ['pending', away, null, null],
  ['pending', away, 5, 5],
  ['completed', away, 5, null],
  ['lost', away, 5, null],
] as const)('%s on %o, the page stale since %s: %s', (status, workspace, page, since) => {
  expect(taskStaleSince(task(status), workspace, page)).toBe(since);
});
