import { useSyncExternalStore } from 'react';
import { taskStaleSince } from '../live/staleness';
import type { Task } from '../protocol/messages';
import { useClient } from './useClient';

/** Since when a task may have changed unseen, in ms as `hubNow()`; null: it is as it is shown. */
export function useTaskStaleSince(task: Task): number | null {
  const { state } = useClient().directory;
  return useSyncExternalStore(state.subscribe, () => {
    const { workspaces, staleSince } = state.get();
    const workspace = workspaces.find(({ id }) => id === task.workspaceId);
    return taskStaleSince(task, workspace, staleSince);
  });
}
