import type { Workspace } from '../protocol/messages';
import { Store } from './store';

const STORAGE_KEY = 'arbor.machine';

/** A workspace as it was when something was last run in it. */
export interface Machine {
  readonly id: string;
  readonly name: string;
}

/** The machine that this browser last ran something on. It belongs to one user. */
export class LastMachine extends Store<Machine | null> {
  readonly #storage: Storage;
  #userId: string | null = null;

  constructor(storage: Storage) {
    super(null);
    this.#storage = storage;
  }

  /** A user signed in: the machine of another one is forgotten. */
  belongTo(userId: string): void {
    if (this.#userId === userId) return;
    this.#userId = userId;
    this.set(read(this.#storage, userId));
  }

  remember(machine: Machine): void {
    this.set(machine);
    try {
      this.#storage.setItem(STORAGE_KEY, JSON.stringify({ userId: this.#userId, ...machine }));
    } catch {
      // A full or forbidden storage: it is remembered until the page is closed.
    }
  }

  forget(): void {
    this.#userId = null;
    this.set(null);
    try {
      this.#storage.removeItem(STORAGE_KEY);
    } catch {
      // A forbidden storage holds nothing.
    }
  }
}

/** Where a command will run; `missing`: the machine that was meant and is gone. */
export interface Destination {
  readonly workspace: Workspace | null;
  readonly missing: string | null;
}

/** The machine that was meant, whatever its state, and never another one in its place. */
export function destination(meant: Machine, workspaces: readonly Workspace[]): Destination {
  const workspace = workspaces.find(({ id }) => id === meant.id) ?? null;
  return { workspace, missing: workspace === null ? meant.name : null };
}

function read(storage: Storage, userId: string): Machine | null {
  try {
    const stored: unknown = JSON.parse(storage.getItem(STORAGE_KEY) ?? 'null');
    if (typeof stored !== 'object' || stored === null) return null;
    const machine = stored as Partial<Record<keyof Machine | 'userId', unknown>>;
    const { id, name } = machine;
    const isValid = typeof id === 'string' && typeof name === 'string';
    return isValid && machine.userId === userId ? { id, name } : null;
  } catch {
    return null;
  }
}
