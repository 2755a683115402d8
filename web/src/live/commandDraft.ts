import type { NewTask, Task, TerminalSize } from '../protocol/messages';
import { splitCommandLine } from './argv';
import { parseDuration, writeDuration } from './durations';
import { environmentOf, problemOfVariables, type Variable } from './environmentVariables';
import { boundedSize } from './terminalSize';
import { commandLine } from './words';

export const DEFAULT_TERMINAL: TerminalSize = { cols: 80, rows: 24 };

export type WhenOffline = 'fail' | 'queue';

/** A command as it is being typed, with everything about how it is to run. */
export interface Draft {
  readonly line: string;
  readonly shell: boolean;
  /** Empty: the workspace's own folder. */
  readonly folder: string;
  readonly variables: readonly Variable[];
  /** Empty: no limit. */
  readonly timeout: string;
  /** Null: its output is kept apart as stdout and stderr, without a terminal. */
  readonly terminal: TerminalSize | null;
  readonly title: string;
  /** Null: queue it if the machine cannot be reached when it is typed. */
  readonly whenOffline: WhenOffline | null;
}

export const EMPTY_DRAFT: Draft = {
  line: '',
  shell: false,
  folder: '',
  variables: [],
  timeout: '',
  terminal: null,
  title: '',
  whenOffline: null,
};

/** What was asked for once, to be changed. The hub shows names of variables, not their values. */
export function draftOf(task: Task): Draft {
  return {
    ...EMPTY_DRAFT,
    line: commandLine(task),
    shell: task.shell,
    folder: task.cwd === '.' ? '' : task.cwd,
    variables: task.env.map((name) => ({ name, value: null })),
    timeout: task.timeout === null ? '' : writeDuration(task.timeout),
    terminal: task.tty === null ? null : boundedSize(task.tty),
    title: task.title ?? '',
  };
}

export type Prepared = { ok: true; task: NewTask } | { ok: false; problem: string };

/** What to ask the hub for; `problem` is empty as long as nothing was typed. */
export function prepare(draft: Draft, isConnected: boolean): Prepared {
  const split: ReturnType<typeof splitCommandLine> = draft.shell
    ? { ok: true, argv: draft.line.trim() === '' ? [] : [draft.line] }
    : splitCommandLine(draft.line);
  if (!split.ok) return split;
  const [command, ...args] = split.argv;
  if (!command) return { ok: false, problem: '' };
  const problem = problemOfVariables(draft.variables);
  if (problem !== null) return { ok: false, problem };
  const timeout = draft.timeout.trim() === '' ? null : parseDuration(draft.timeout);
  if (timeout === null && draft.timeout.trim() !== '') {
    return { ok: false, problem: `${draft.timeout} is no time limit. Write 90 s, 10 min or 2 h.` };
  }
  return {
    ok: true,
    task: {
      command,
      args,
      shell: draft.shell,
      cwd: draft.folder.trim() || '.',
      env: environmentOf(draft.variables),
      timeout,
      tty: draft.terminal,
      title: draft.title.trim() || null,
      ifOffline: whenOffline(draft, isConnected),
    },
  };
}

export function whenOffline(draft: Draft, isConnected: boolean): WhenOffline {
  return draft.whenOffline ?? (isConnected ? 'fail' : 'queue');
}

/** One thing that was set, in words, and the draft without it. */
export interface SetOption {
  readonly name: string;
  readonly words: string;
  readonly cleared: Partial<Draft>;
}

/** What is not as it would be without asking, apart from the line itself. */
export function setOptions(draft: Draft): SetOption[] {
  const { folder, variables, timeout, terminal, title } = draft;
  const named = variables.filter(({ name }) => name !== '');
  const options: (SetOption | false)[] = [
    folder.trim() !== '' && { name: 'folder', words: `in ${folder}`, cleared: { folder: '' } },
    terminal !== null &&
      !isDefault(terminal) && {
        name: 'terminal',
        words: `${terminal.cols} × ${terminal.rows}`,
        cleared: { terminal: DEFAULT_TERMINAL },
      },
    named.length > 0 && {
      name: 'variables',
      words: named.map(({ name }) => name).join(', '),
      cleared: { variables: [] },
    },
    timeout.trim() !== '' && {
      name: 'timeout',
      words: `at most ${timeout}`,
      cleared: { timeout: '' },
    },
    title.trim() !== '' && { name: 'title', words: `as “${title}”`, cleared: { title: '' } },
    draft.whenOffline !== null && {
      name: 'whenOffline',
      words: draft.whenOffline === 'queue' ? 'waits if unreachable' : 'never waits',
      cleared: { whenOffline: null },
    },
  ];
  return options.filter((option) => option !== false);
}

function isDefault({ cols, rows }: TerminalSize): boolean {
  return cols === DEFAULT_TERMINAL.cols && rows === DEFAULT_TERMINAL.rows;
}
