import type { TaskStatus } from './protocol/messages';

/** What the addresses of pages carry after the `?`; what is not valid is left out. */
export interface TasksSearch {
  status?: TaskStatus;
  text?: string;
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
