import { expect, test } from 'vitest';
import { taskUrl } from './share';

test('a link leads to a task, or to a byte of it', () => {
  expect(taskUrl('https://hub.example', 'tsk_1')).toBe('https://hub.example/tasks/tsk_1');
  expect(taskUrl('https://hub.example', 'tsk_1', 0)).toBe('https://hub.example/tasks/tsk_1?at=0');
});
