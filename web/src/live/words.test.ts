import { expect, test } from 'vitest';
import type { Task } from '../protocol/messages';
import { commandLine, explainEnd } from './words';

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
