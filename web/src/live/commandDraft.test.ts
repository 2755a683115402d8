import { describe, expect, test } from 'vitest';
import type { Task } from '../protocol/messages';
import { type Draft, draftOf, EMPTY_DRAFT, prepare, setOptions } from './commandDraft';

const draft = (change: Partial<Draft>): Draft => ({ ...EMPTY_DRAFT, ...change });

const task = {
  command: 'echo',
  args: ["it's", 'a b'],
  shell: false,
  cwd: 'src',
  env: ['DEBUG'],
  timeout: 5400,
  tty: { cols: 100, rows: 30 },
  title: 'nightly',
} as unknown as Task;

describe('prepare', () => {
  test('a line becomes a list of arguments', () => {
    expect(prepare(draft({ line: ' make "a b" ' }), true)).toEqual({
      ok: true,
      task: {
        command: 'make',
        args: ['a b'],
        shell: false,
        cwd: '.',
        env: {},
        timeout: null,
        tty: null,
        title: null,
        ifOffline: 'fail',
      },
    });
  });

  test('a shell gets the line as it is', () => {
    const line = 'for i in 1 2; do\n  echo $i\ndone';
    expect(prepare(draft({ line, shell: true }), true)).toMatchObject({
      ok: true,
      task: { command: line, args: [], shell: true },
    });
  });

  test('options are what was typed, trimmed', () => {
    const variables = [{ name: 'A', value: '1' }];
    const typed = draft({ line: 'x', folder: ' src ', timeout: '10 min', title: ' t ', variables });
    expect(prepare(typed, true)).toMatchObject({
      task: { cwd: 'src', timeout: 600, title: 't', env: { A: '1' } },
    });
  });

  test.each([
    [true, null, 'fail'],
    [false, null, 'queue'],
    [false, 'fail', 'fail'],
    [true, 'queue', 'queue'],
  ] as const)('connected %j and asked for %j: %j', (isConnected, whenOffline, ifOffline) => {
    expect(prepare(draft({ line: 'x', whenOffline }), isConnected)).toMatchObject({
      task: { ifOffline },
    });
  });

  test.each([
    [{ line: '  ' }, ''],
    [{ line: '\n', shell: true }, ''],
    [{ line: "''" }, ''],
    [{ line: "echo 'a" }, 'not closed'],
    [{ line: 'x', timeout: 'soon' }, 'soon is no time limit'],
    [{ line: 'x', variables: [{ name: 'A', value: null }] }, 'Give A a value'],
  ])('%j is not ready', (change, problem) => {
    const prepared = prepare(draft(change), true);
    expect(prepared).toMatchObject({ ok: false });
    expect(prepared.ok ? null : prepared.problem).toContain(problem);
  });
});

test('a task can be edited and asked for again', () => {
  const edited = draftOf(task);
  expect(edited).toMatchObject({ line: String.raw`echo 'it'\''s' 'a b'`, timeout: '1 h 30 min' });
  const complete = { ...edited, variables: [{ name: 'DEBUG', value: '1' }] };
  expect(prepare(complete, true)).toMatchObject({
    task: {
      command: 'echo',
      args: ["it's", 'a b'],
      cwd: 'src',
      env: { DEBUG: '1' },
      timeout: 5400,
      tty: { cols: 100, rows: 30 },
      title: 'nightly',
    },
  });
});

test('what is set is said, and can be unset', () => {
  const options = setOptions(draftOf(task));
  expect(options.map(({ words }) => words)).toEqual([
    'in src',
    '100 × 30',
    'DEBUG',
    'at most 1 h 30 min',
    'as “nightly”',
  ]);
  const cleared: Draft = Object.assign(draftOf(task), ...options.map(({ cleared }) => cleared));
  expect(setOptions(cleared)).toEqual([]);
});
