import type { Task, TaskStatus } from '../protocol/messages';
import { commandLine } from './words';

/** Of a command or a title in the browser's own furniture, where there is room for little. */
const SHOWN_CHARACTERS = 80;

const GLYPHS: Record<TaskStatus, string> = {
  pending: '○',
  running: '●',
  completed: '✓',
  failed: '✗',
  cancelled: '–',
  lost: '?',
  expired: '–',
};

/** It was so; whether it still is, is not known. */
const STALE = '◌';

/** What a tab of the browser says of a task: `● make test`. Never anything the task wrote. */
export function tabTitle(task: Task, isStale = false): string {
  return `${isStale ? STALE : GLYPHS[task.status]} ${nameOnOneLine(task)}`;
}

/** What a task is called, without line breaks, and cut where there is no room for more. */
export function nameOnOneLine(task: Task): string {
  const line = (task.title ?? commandLine(task)).replaceAll(/\p{C}+/gu, ' ').trim();
  const characters = [...line];
  return characters.length > SHOWN_CHARACTERS
    ? `${characters.slice(0, SHOWN_CHARACTERS - 1).join('')}…`
    : line;
}
