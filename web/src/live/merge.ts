import {
  FINAL_STATUSES,
  type Task,
  type TaskStatus,
  type TaskStatusChanged,
  type Workspace,
  type WorkspaceChanged,
} from '../protocol/messages';

export function isFinal(status: TaskStatus): boolean {
  return FINAL_STATUSES.includes(status);
}

/**
 * The later of two accounts of a task: an answer on its way is overtaken by the live ones. What was
 * asked for never changes: where it is cut in one of them, it is taken from the other.
 */
export function laterTask(known: Task | undefined, told: Task): Task {
  if (known === undefined) return told;
  const [later, other] = stage(known.status) > stage(told.status) ? [known, told] : [told, known];
  if (!later.isCut || other.isCut) return later;
  const { command, args, env, isCut } = other;
  return { ...later, command, args, env, isCut };
}

/** A task after a live change; null when nothing is known of it yet. */
export function changedTask(known: Task | undefined, change: TaskStatusChanged): Task | null {
  if (change.task !== undefined) {
    return laterTask(known, change.task);
  }
  if (known === undefined) {
    return null;
  }
  return laterTask(known, {
    ...known,
    status: change.status,
    exitCode: change.exitCode ?? null,
    signal: change.signal ?? null,
    error: change.error ?? null,
    reason: change.reason ?? null,
    outputSize: change.finalOffset ?? known.outputSize,
  });
}

/** A workspace after a live change; null when nothing is known of it yet. */
export function changedWorkspace(
  known: Workspace | undefined,
  change: WorkspaceChanged,
): Workspace | null {
  if (change.workspace !== undefined) {
    return change.workspace;
  }
  if (known === undefined) {
    return null;
  }
  const state = change.state as Workspace['state'];
  return { ...known, state, since: change.since ?? null };
}

function stage(status: TaskStatus): number {
  if (isFinal(status)) return 2;
  return status === 'running' ? 1 : 0;
}
