import { expect, test } from 'vitest';
import type { Task } from '../protocol/messages';
import { changedTask, laterTask } from './merge';

const task = { id: 'tsk_1', status: 'running', exitCode: null, outputSize: 3 } as Task;
const done: Task = { ...task, status: 'completed', exitCode: 0, outputSize: 9 };

test('an answer that was overtaken changes nothing', () => {
  expect(laterTask(done, task)).toBe(done);
  expect(laterTask(task, done)).toBe(done);
  expect(laterTask(undefined, task)).toBe(task);
});

test('a change without the task is applied to what is known', () => {
  const change = { type: 'status', taskId: 'tsk_1', status: 'failed', exitCode: 2 } as const;
  expect(changedTask(task, change)).toMatchObject({ status: 'failed', exitCode: 2, outputSize: 3 });
  expect(changedTask(undefined, change)).toBeNull();
  expect(changedTask(done, change)).toMatchObject({ status: 'failed' });
});

test('a change with the task replaces it', () => {
  expect(
    changedTask(task, { type: 'status', taskId: 'tsk_1', status: 'completed', task: done }),
  ).toBe(done);
});

test('what was asked for is kept whole once it is known', () => {
  const whole = { ...task, command: 'make', args: ['all'], env: ['A', 'B'], isCut: false };
  const cut = { ...done, command: 'mak', args: [], env: ['A'], isCut: true };
  const merged = { ...done, command: 'make', args: ['all'], env: ['A', 'B'], isCut: false };
  expect(laterTask(whole, cut)).toEqual(merged);
  expect(laterTask(cut, whole)).toEqual(merged);
  expect(laterTask(cut, cut)).toBe(cut);
});
