import type { Task } from '../protocol/messages';
import { Store } from './store';
import { commandLine } from './words';

const STORAGE_KEY = 'arbor.commands';
const KEPT_COMMANDS = 100;
const KEPT_WORKSPACES = 30;
const MAX_LINE_CHARS = 4_096;

/** A line as it was typed; `at` in milliseconds as `Date.now()`. */
export interface PastCommand {
  readonly line: string;
  readonly shell: boolean;
  readonly at: number;
}

type ByWorkspace = Readonly<Record<string, readonly PastCommand[]>>;

/** What was typed in this browser, by workspace, newest first. It belongs to one user. */
export class CommandHistory extends Store<ByWorkspace> {
  readonly #storage: Storage;
  #userId: string | null = null;

  constructor(storage: Storage) {
    super({});
    this.#storage = storage;
  }

  /** Somebody signed in: what another one typed is forgotten. */
  belongTo(userId: string): void {
    if (this.#userId === userId) return;
    this.#userId = userId;
    this.set(read(this.#storage, userId));
  }

  remember(workspaceId: string, command: PastCommand): void {
    if (command.line.length > MAX_LINE_CHARS) return;
    const { [workspaceId]: known = [], ...others } = this.get();
    const commands = [command, ...known.filter((item) => key(item) !== key(command))];
    const recent = Object.entries(others).slice(0, KEPT_WORKSPACES - 1);
    this.set({ [workspaceId]: commands.slice(0, KEPT_COMMANDS), ...Object.fromEntries(recent) });
    try {
      const stored = { userId: this.#userId, workspaces: this.get() };
      this.#storage.setItem(STORAGE_KEY, JSON.stringify(stored));
    } catch {
      // A full or forbidden storage: it is remembered until the page is closed.
    }
  }

  forget(): void {
    this.#userId = null;
    this.set({});
    try {
      this.#storage.removeItem(STORAGE_KEY);
    } catch {
      // A forbidden storage holds nothing.
    }
  }
}

/** What was typed here and what ran there, newest first, each once. */
export function pastCommands(
  typed: readonly PastCommand[],
  tasks: readonly Task[],
  limit: number,
): PastCommand[] {
  // Of a command that is cut, half a line would be run again.
  const ran = tasks
    .filter((task) => !task.isCut)
    .map((task) => ({
      line: commandLine(task),
      shell: task.shell,
      at: Date.parse(task.createdAt),
    }));
  const newest = [...typed, ...ran].sort((one, other) => other.at - one.at);
  const seen = new Set<string>();
  const once = newest.filter((command) => {
    const isNew = !seen.has(key(command));
    seen.add(key(command));
    return isNew;
  });
  return once.slice(0, limit);
}

/** Those with every word of `text` in them, in whatever order. */
export function findCommands(commands: readonly PastCommand[], text: string): PastCommand[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return commands.filter(({ line }) => {
    const searched = line.toLowerCase();
    return words.every((word) => searched.includes(word));
  });
}

function key({ line, shell }: PastCommand): string {
  return `${shell ? '$' : ' '}${line}`;
}

function read(storage: Storage, userId: string): ByWorkspace {
  try {
    const stored: unknown = JSON.parse(storage.getItem(STORAGE_KEY) ?? '{}');
    if (!isRecord(stored) || stored.userId !== userId || !isRecord(stored.workspaces)) return {};
    return Object.fromEntries(
      Object.entries(stored.workspaces).map(([id, commands]) => [
        id,
        Array.isArray(commands) ? commands.filter(isCommand) : [],
      ]),
    );
  } catch {
    return {};
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isCommand(value: unknown): value is PastCommand {
  return (
    isRecord(value) &&
    typeof value.line === 'string' &&
    typeof value.shell === 'boolean' &&
    typeof value.at === 'number'
  );
}
