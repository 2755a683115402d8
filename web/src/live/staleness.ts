import type { Task, Workspace } from '../protocol/messages';
import { isFinal } from './merge';

/**
 * Since when a task may have changed without the page knowing, in ms; null: it is as it is shown.
 *
 * Either the page hears nothing of the hub (`pageStaleSince`), or the hub nothing of the machine.
 * What is over stays as it is, and only a task that has started can go on behind the hub's back.
 */
export function taskStaleSince(
  task: Task,
  workspace: Workspace | undefined,
  pageStaleSince: number | null,
): number | null {
  if (isFinal(task.status)) return null;
  const isAway = task.status === 'running' && workspace?.state === 'unreachable';
  const awaySince = isAway ? Date.parse(workspace.since ?? '') : Number.NaN;
  const since = Math.min(
    Number.isNaN(awaySince) ? Number.POSITIVE_INFINITY : awaySince,
    pageStaleSince ?? Number.POSITIVE_INFINITY,
  );
  return since === Number.POSITIVE_INFINITY ? null : since;
}
