import { describe, expect, test } from 'vitest';
import type { Task, TaskStatus } from '../protocol/messages';
import { heldRows, mergedTasks, type TaskFilter } from './taskList';

function task(id: number, status: TaskStatus = 'completed', command = 'make'): Task {
  const args = ['-j8', 'Test'];
  return { id: `tsk_${id}`, workspaceId: 'ws_1', command, args, title: null, status } as Task;
}

const ALL: TaskFilter = { workspaceId: null, status: null, text: '' };
const ids = (tasks: readonly Task[]) => tasks.map(({ id }) => id);

describe('mergedTasks', () => {
  test('what is heard live is there before it is listed, newest first', () => {
    const listed = { tasks: [task(5), task(3)], isComplete: true };
    expect(ids(mergedTasks(listed, [task(7), task(4)], ALL))).toEqual([
      'tsk_7',
      'tsk_5',
      'tsk_4',
      'tsk_3',
    ]);
  });

  test('nothing appears beyond the end of what was listed', () => {
    const listed = { tasks: [task(5), task(3)], isComplete: false };
    expect(ids(mergedTasks(listed, [task(1)], ALL))).toEqual(['tsk_5', 'tsk_3']);
  });

  test('a status that was heard later counts', () => {
    const listed = { tasks: [task(5, 'running')], isComplete: true };
    expect(mergedTasks(listed, [task(5, 'failed')], ALL)[0]?.status).toBe('failed');
    expect(mergedTasks(listed, [task(5, 'failed')], { ...ALL, status: 'running' })).toEqual([]);
  });

  test.each([
    [{ workspaceId: 'ws_2' }, 0],
    [{ workspaceId: 'ws_1' }, 2],
    [{ status: 'running' }, 1],
    [{ text: 'j8 test' }, 2],
    [{ text: 'ls' }, 1],
  ] as const)('%j finds %j of those heard live', (change, count) => {
    const live = [task(1, 'running'), task(2, 'lost', 'ls')];
    const listed = { tasks: [], isComplete: true };
    expect(mergedTasks(listed, live, { ...ALL, ...change })).toHaveLength(count);
  });

  test('a command that is cut is found as the hub found it', () => {
    const cut = { ...task(3), isCut: true };
    const filter = { ...ALL, text: 'far beyond' };
    expect(mergedTasks({ tasks: [cut], isComplete: true }, [cut], filter)).toEqual([cut]);
    expect(mergedTasks({ tasks: [], isComplete: true }, [cut], filter)).toEqual([]);
  });
});

describe('heldRows', () => {
  const now = [task(7), task(5), task(1)];
  const known = new Map([7, 5, 3, 1].map((id) => [`tsk_${id}`, task(id)]));

  test('nothing is held back at the top', () => {
    expect(heldRows(now, null, known)).toEqual({ tasks: now, newer: 0 });
  });

  test('while one reads, rows neither come above nor go away, but more follow', () => {
    const held = { ids: new Set(['tsk_5', 'tsk_3']), newest: 'tsk_5' };
    const rows = heldRows(now, held, known);
    expect([ids(rows.tasks), rows.newer]).toEqual([['tsk_5', 'tsk_3', 'tsk_1'], 1]);
  });

  test('a task that is gone altogether is not kept', () => {
    const held = { ids: new Set(['tsk_5', 'tsk_4']), newest: 'tsk_5' };
    expect(ids(heldRows(now, held, known).tasks)).toEqual(['tsk_5', 'tsk_1']);
  });
});
