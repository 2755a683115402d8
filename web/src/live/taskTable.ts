import type { Task } from '../protocol/messages';
import { isFinal, laterTask } from './merge';

/** The tasks that are known: every unfinished one, the latest that ended, and those asked for. */
export class TaskTable {
  readonly #tasks = new Map<string, Task>();
  // However old they are, they are being looked at.
  readonly #asked = new Set<string>();
  readonly #keptFinal: number;

  constructor(keptFinal: number) {
    this.#keptFinal = keptFinal;
  }

  get(taskId: string): Task | undefined {
    return this.#tasks.get(taskId);
  }

  put(told: readonly Task[]): void {
    for (const task of told) {
      this.#tasks.set(task.id, laterTask(this.#tasks.get(task.id), task));
    }
  }

  /** Keep this one, whatever comes. */
  ask(taskId: string): void {
    this.#asked.add(taskId);
  }

  remove(taskIds: Iterable<string>): void {
    for (const id of taskIds) {
      this.#tasks.delete(id);
    }
  }

  clear(): void {
    this.#tasks.clear();
    this.#asked.clear();
  }

  /** Newest first; what is too old to be kept is forgotten. */
  list(): Task[] {
    const newest = [...this.#tasks.values()].sort((one, other) => compare(other.id, one.id));
    let finished = 0;
    return newest.filter((task) => {
      finished += isFinal(task.status) ? 1 : 0;
      const isKept =
        !isFinal(task.status) || finished <= this.#keptFinal || this.#asked.has(task.id);
      if (!isKept) this.#tasks.delete(task.id);
      return isKept;
    });
  }
}

// Ids are ordered by time.
function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
