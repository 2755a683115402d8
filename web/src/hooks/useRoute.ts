import { useSyncExternalStore } from 'react';

export type Route = { page: 'overview' } | { page: 'task'; taskId: string };

export const OVERVIEW = '#/';

export function taskAddress(taskId: string): string {
  return `#/tasks/${encodeURIComponent(taskId)}`;
}

export function useRoute(): Route {
  const hash = useSyncExternalStore(listen, () => location.hash);
  const taskId = /^#\/tasks\/([^/?]+)/.exec(hash)?.[1];
  return taskId === undefined
    ? { page: 'overview' }
    : { page: 'task', taskId: decodeURIComponent(taskId) };
}

function listen(listener: () => void): () => void {
  addEventListener('hashchange', listener);
  return () => removeEventListener('hashchange', listener);
}
