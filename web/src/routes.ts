import type { TaskStatus } from './protocol/messages';

/** What the addresses of pages carry after the `?`; what is not valid is left out. */
export interface TasksSearch {
  status?: TaskStatus;
  text?: string;
}

export interface WorkspaceSearch extends TasksSearch {
  /** The task whose command is put before one, to be changed and run. */
  edit?: string;
}

export interface ConnectSearch {
  /** The workspace that a machine is connected to; none: a new one. */
  workspace?: string;
}

export interface TaskSearch {
  /** The byte that is shown first. */
  at?: number;
}

const STATUSES: readonly TaskStatus[] = [
  'pending',
  'running',
  'completed',
  'failed',
  'cancelled',
  'lost',
  'expired',
];

export function tasksSearch(search: Record<string, unknown>): TasksSearch {
  const status = STATUSES.find((name) => name === search.status);
  const { text } = search;
  return {
    ...(status !== undefined && { status }),
    ...((typeof text === 'string' || typeof text === 'number') &&
      text !== '' && { text: String(text) }),
  };
}

export function taskSearch(search: Record<string, unknown>): TaskSearch {
  const { at } = search;
  return typeof at === 'number' && Number.isSafeInteger(at) && at >= 0 ? { at } : {};
}

export function workspaceSearch(search: Record<string, unknown>): WorkspaceSearch {
  const { edit } = search;
  return { ...tasksSearch(search), ...(typeof edit === 'string' && { edit }) };
}

export function connectSearch({ workspace }: Record<string, unknown>): ConnectSearch {
  return typeof workspace === 'string' ? { workspace } : {};
}
