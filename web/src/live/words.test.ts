import { expect, test } from 'vitest';
import type { DaemonChange, Task } from '../protocol/messages';
import {
  commandLine,
  daemonChangeSentence,
  endsWhenBack,
  explainEnd,
  statusDetail,
  unreachableSentence,
} from './words';

function ended(reason: string | null, error: string | null): Task {
  return { status: 'failed', reason, error } as Task;
}

test.each([
  [
    'daemon_restarted',
    'the daemon was restarted',
    /^The daemon restarted while this ran\..*kept\.$/,
  ],
  ['start_failed', 'permission denied', /^The command could not be started\. permission denied$/],
  ['something_new', 'it was odd', /^it was odd$/],
])('%s is explained once', (reason, error, words) => {
  expect(explainEnd(ended(reason, error))).toMatch(words);
});

test('an exit code needs no words', () => {
  expect(explainEnd(ended(null, null))).toBeNull();
});

test('a command that is cut says so', () => {
  const task = { command: 'make', args: ['a b'], shell: false, isCut: false } as unknown as Task;
  expect(commandLine(task)).toBe("make 'a b'");
  expect(commandLine({ ...task, isCut: true })).toBe("make 'a b' …");
});

test('a change of a daemon says who made it, with what and from where', () => {
  const change: DaemonChange = {
    what: 'replaced',
    at: '2026-01-01T00:00:00Z',
    user: 'ada',
    token: 'ci',
    address: '10.0.0.7',
    removedAccount: null,
  };
  expect(daemonChangeSentence(change, '3 minutes ago')).toBe(
    'Another daemon was enrolled 3 minutes ago by ada with the token “ci” from 10.0.0.7.',
  );
  const removed = { ...change, what: 'removed', token: null, address: null, removedAccount: 'mia' };
  expect(daemonChangeSentence(removed as DaemonChange, 'yesterday')).toBe(
    'The daemon was removed yesterday by ada, together with the account mia.',
  );
});

test('what is asked of a machine that is away is promised for when it is back', () => {
  const now = Date.parse('2026-01-02T00:00:00Z');
  expect(unreachableSentence({ name: 'pi', since: null }, now)).toBe('pi is unreachable.');
  const since = '2026-01-01T00:00:00Z';
  expect(unreachableSentence({ name: 'pi', since }, now)).toMatch(
    /^pi has been unreachable since /,
  );
  expect(endsWhenBack('pi')).toBe('It is ended as soon as pi is back.');
  const task = { status: 'running', cancelRequested: true } as Task;
  expect(statusDetail(task)).toBe('ending');
  expect(statusDetail(task, true)).toBe('to be ended');
});
