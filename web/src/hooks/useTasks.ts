import type { Task } from '../protocol/messages';
import { useClient } from './useClient';
import { useStore } from './useStore';

/** The latest tasks, newest first, and every unfinished one. */
export function useTasks(): { tasks: readonly Task[]; loaded: boolean } {
  return useStore(useClient().directory.state);
}

/** How many tasks run, by workspace. */
export function useRunning(): Map<string, number> {
  const { tasks } = useTasks();
  const running = new Map<string, number>();
  for (const task of tasks) {
    if (task.status === 'running') {
      running.set(task.workspaceId, (running.get(task.workspaceId) ?? 0) + 1);
    }
  }
  return running;
}

export interface TaskCounts {
  running: number;
  queued: number;
}

/** What runs in a workspace and what waits for it. */
export function useTaskCounts(workspaceId: string): TaskCounts {
  const { tasks } = useTasks();
  const counts = { running: 0, queued: 0 };
  for (const task of tasks) {
    if (task.workspaceId !== workspaceId) continue;
    if (task.status === 'running') counts.running += 1;
    if (task.status === 'pending') counts.queued += 1;
  }
  return counts;
}
