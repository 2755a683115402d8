import type { Task, TaskStatus } from '../protocol/messages';
import { laterTask } from './merge';
import { shownText } from './octets';

export interface TaskFilter {
  readonly workspaceId: string | null;
  readonly status: TaskStatus | null;
  readonly text: string;
}

/** What was listed, and whether there is more after it. */
export interface Listed {
  readonly tasks: readonly Task[];
  readonly isComplete: boolean;
}

/**
 * What one reads. While it is held, rows neither appear above the first of `ids` nor go away, so
 * that nothing moves under the eyes or the pointer.
 */
export interface Held {
  readonly ids: ReadonlySet<string>;
  readonly newest: string;
}

export interface Rows {
  readonly tasks: readonly Task[];
  /** How many newer ones are held back. */
  readonly newer: number;
}

/** As the hub would answer now: what it listed, with what was heard live since. */
export function mergedTasks(listed: Listed, live: readonly Task[], filter: TaskFilter): Task[] {
  const tasks = new Map(listed.tasks.map((task) => [task.id, task]));
  const listedIds = new Set(tasks.keys());
  const oldest = listed.tasks.at(-1)?.id ?? '';
  for (const task of live) {
    const known = tasks.get(task.id);
    // Beyond the end of what was listed, others that are not known would be missing around it.
    if (known !== undefined || listed.isComplete || task.id > oldest) {
      tasks.set(task.id, known === undefined ? task : laterTask(known, task));
    }
  }
  return [...tasks.values()]
    .filter((task) => isSought(task, filter, listedIds.has(task.id)))
    .sort((one, other) => (one.id < other.id ? 1 : -1));
}

/** The rows to show; `held` null: all of them. `known` has the tasks whatever their status. */
export function heldRows(
  tasks: readonly Task[],
  held: Held | null,
  known: ReadonlyMap<string, Task>,
): Rows {
  if (held === null) return { tasks, newer: 0 };
  const shown = tasks.filter(({ id }) => id <= held.newest);
  const ids = new Set(shown.map(({ id }) => id));
  const kept = [...held.ids].flatMap((id) => (ids.has(id) ? [] : (known.get(id) ?? [])));
  const rows = [...shown, ...kept].sort((one, other) => (one.id < other.id ? 1 : -1));
  return { tasks: rows, newer: tasks.length - shown.length };
}

/** `isListed`: the hub has found the text, of a command that is cut perhaps beyond its beginning. */
function isSought(
  task: Task,
  { workspaceId, status, text }: TaskFilter,
  isListed: boolean,
): boolean {
  return (
    (workspaceId === null || task.workspaceId === workspaceId) &&
    (status === null || task.status === status) &&
    (text === '' ||
      (isListed && task.isCut) ||
      shownText([task.command, ...task.args, task.title ?? ''].join(' '))
        .toLowerCase()
        .includes(text.toLowerCase()))
  );
}
