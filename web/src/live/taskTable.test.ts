import { expect, test } from 'vitest';
import type { Task, TaskStatus } from '../protocol/messages';
import { TaskTable } from './taskTable';

const task = (id: number, status: TaskStatus = 'completed') =>
  ({ id: `tsk_${id}`, status }) as Task;

const ids = (table: TaskTable) => table.list().map(({ id }) => id);

test('newest first, and only the latest of those that ended', () => {
  const table = new TaskTable(2);
  table.put([task(1), task(4), task(3), task(2, 'running'), task(0, 'pending')]);
  expect(ids(table)).toEqual(['tsk_4', 'tsk_3', 'tsk_2', 'tsk_0']);
  expect(table.get('tsk_1')).toBeUndefined();
});

test('what was asked for stays, however old', () => {
  const table = new TaskTable(1);
  table.ask('tsk_1');
  table.put([task(1), task(2), task(3)]);
  expect(ids(table)).toEqual(['tsk_3', 'tsk_1']);
});

test('an account that was overtaken changes nothing', () => {
  const table = new TaskTable(9);
  table.put([task(1)]);
  table.put([task(1, 'running')]);
  expect(table.get('tsk_1')?.status).toBe('completed');
});

test('tasks can be removed, and all be forgotten', () => {
  const table = new TaskTable(9);
  table.put([task(1), task(2)]);
  table.remove(['tsk_1']);
  expect(ids(table)).toEqual(['tsk_2']);
  table.clear();
  expect(ids(table)).toEqual([]);
});
