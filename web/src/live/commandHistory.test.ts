import { expect, test } from 'vitest';
import type { Task } from '../protocol/messages';
import { CommandHistory, findCommands, type PastCommand, pastCommands } from './commandHistory';
import { FakeStorage } from './testing/fakeStorage';

const typed = (line: string, at: number, shell = false): PastCommand => ({ line, shell, at });

function ran(command: string, at: number): Task {
  const createdAt = new Date(at).toISOString();
  return { command, args: [], shell: false, createdAt } as unknown as Task;
}

test('what was typed is there the next time, newest first and each once', () => {
  const storage = new FakeStorage();
  const history = new CommandHistory(storage);
  history.belongTo('usr_1');
  history.remember('ws_1', typed('make', 1));
  history.remember('ws_1', typed('ls', 2));
  history.remember('ws_1', typed('make', 3));
  const next = new CommandHistory(storage);
  next.belongTo('usr_1');
  expect(next.get().ws_1).toEqual([typed('make', 3), typed('ls', 2)]);
});

test('it is not shown to another user', () => {
  const storage = new FakeStorage();
  const history = new CommandHistory(storage);
  history.belongTo('usr_1');
  history.remember('ws_1', typed('make', 1));
  const next = new CommandHistory(storage);
  next.belongTo('usr_2');
  expect(next.get()).toEqual({});
});

test('forgetting leaves nothing behind', () => {
  const storage = new FakeStorage();
  const history = new CommandHistory(storage);
  history.belongTo('usr_1');
  history.remember('ws_1', typed('make', 1));
  history.forget();
  expect([history.get(), storage.length]).toEqual([{}, 0]);
});

test('it has a bound, for commands and for workspaces', () => {
  const history = new CommandHistory(new FakeStorage());
  history.belongTo('usr_1');
  for (let at = 0; at < 150; at += 1) {
    history.remember(`ws_${at % 50}`, typed('ls', at));
    history.remember('ws_x', typed(`make ${at}`, at));
  }
  expect(Object.keys(history.get())).toHaveLength(30);
  expect(history.get().ws_x).toHaveLength(100);
  expect(history.get().ws_x?.[0]?.line).toBe('make 149');
});

test.each([['not json'], ['[]'], ['{"userId":"usr_1","workspaces":{"ws_1":[7,{"line":1}]}}']])(
  'a storage with %j in it does no harm',
  (stored) => {
    const storage = new FakeStorage();
    storage.setItem('arbor.commands', stored);
    const history = new CommandHistory(storage);
    history.belongTo('usr_1');
    expect(history.get().ws_1 ?? []).toEqual([]);
  },
);

test('typed and run commands make one list', () => {
  const commands = pastCommands(
    [typed('make', 5), typed('make', 1, true)],
    [ran('ls', 4), ran('make', 3)],
    10,
  );
  expect(commands).toEqual([typed('make', 5), typed('ls', 4), typed('make', 1, true)]);
  expect(pastCommands(commands, [], 1)).toEqual([typed('make', 5)]);
});

test('a search is for all words, in whatever order', () => {
  const commands = [typed('make -j8 test', 2), typed('make lint', 1)];
  expect(findCommands(commands, 'TEST make')).toEqual([commands[0]]);
  expect(findCommands(commands, ' ')).toEqual(commands);
});

test('a command that is cut is not offered to be run again', () => {
  const cut = { ...ran('half of it', 2), isCut: true };
  expect(pastCommands([], [cut, ran('ls', 1)], 9)).toEqual([typed('ls', 1)]);
});
