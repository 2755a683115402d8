import type { DaemonChange, Principal, Task, TaskStatus, Workspace } from '../protocol/messages';
import { joinCommandLine } from './argv';
import { formatTime } from './format';
import { shownText } from './octets';

export const STATUS_LABELS: Record<TaskStatus, string> = {
  pending: 'Pending',
  running: 'Running',
  completed: 'Completed',
  failed: 'Failed',
  cancelled: 'Cancelled',
  lost: 'Lost',
  expired: 'Expired',
};

const REASONS: Record<string, string> = {
  timeout: 'It ran longer than its time limit and was ended.',
  command_not_found: 'The command was not found on that machine.',
  command_not_executable: 'The command could not be executed there.',
  working_directory: 'The folder to run in does not exist in the workspace.',
  start_failed: 'The command could not be started.',
  policy: 'The policy of that machine does not allow it.',
  spool_full: 'Its output filled the space kept for it on that machine.',
  corrupt_output: 'The output here is not what the machine says it sent.',
  daemon_restarted:
    'The daemon restarted while this ran. What became of the command is not known; it is not run again. The output that arrived is kept.',
  daemon_removed: 'Its daemon was removed while this was not finished.',
  daemon_replaced: 'Another daemon took the workspace over. This was meant for the one before.',
  expired: 'The workspace did not come back in time, so it was never started.',
};

/** Reasons of which the machine has more to say than our words do. */
const DETAILED: ReadonlySet<string> = new Set([
  'command_not_found',
  'command_not_executable',
  'working_directory',
  'start_failed',
  'policy',
  'corrupt_output',
]);

const GAP_REASONS: Record<string, string> = {
  lost: 'they were lost on the way',
  spool_full: 'the space for output on that machine was full',
  spool_pruned: 'that machine does not keep them any more',
  spool_corrupt: 'they were damaged on that machine',
  size_limit: 'the hub keeps no more of one task',
  truncated: 'they were cut off at the hub',
  corrupt: 'they were damaged at the hub',
};

export function statusLabel(task: Task): string {
  return STATUS_LABELS[task.status];
}

/** What goes into the chip beside the status; `isStale`: what the machine does is not known. */
export function statusDetail(task: Task, isStale = false): string | null {
  if (task.status === 'running' && task.cancelRequested) return isStale ? 'to be ended' : 'ending';
  if (task.status !== 'failed') return null;
  if (task.reason === 'timeout') return 'timeout';
  if (task.signal !== null) return `signal ${task.signal}`;
  return task.exitCode === null ? null : `exit ${task.exitCode}`;
}

/** Why a task ended as it did, for a person; null when the chip says it all. */
export function explainEnd(task: Task): string | null {
  const reason = task.reason === null ? undefined : REASONS[task.reason];
  const detail = DETAILED.has(task.reason ?? '') || reason === undefined ? task.error : null;
  return [reason, detail].filter(Boolean).join(' ') || null;
}

export function gapReason(reason: string): string {
  return GAP_REASONS[reason] ?? reason.replaceAll('_', ' ');
}

/** The command exactly as it was given; of one that is cut, its beginning and an ellipsis. */
export function commandLine(task: Task): string {
  const line = givenLine(task);
  return task.isCut ? `${line} …` : line;
}

function givenLine(task: Task): string {
  if (!task.shell) return joinCommandLine([task.command, ...task.args]);
  const line = shownText(task.command);
  return task.args.length === 0 ? line : `${line} ${joinCommandLine(task.args)}`;
}

/** Since when a machine is away, as a sentence; `now` in milliseconds. */
export function unreachableSentence(
  { name, since }: Pick<Workspace, 'name' | 'since'>,
  now: number,
): string {
  return since === null
    ? `${name} is unreachable.`
    : `${name} has been unreachable since ${formatTime(since, now)}.`;
}

/** What becomes of a running task whose end was asked for, on a machine that is away. */
export function endsWhenBack(name: string): string {
  return `It is ended as soon as ${name} is back.`;
}

/** What becomes of tasks on a machine that cannot be reached; empty if there are none. */
export function believedRunning(count: number): string {
  if (count === 0) return '';
  return count === 1
    ? 'One task is believed running; its output is kept there and arrives when it is back.'
    : `${count} tasks are believed running; their output is kept there and arrives when it is back.`;
}

/** What becomes of tasks whose daemon is removed; empty if there are none. */
export function lostWithDaemon(count: number): string {
  if (count === 0) return '';
  return count === 1
    ? 'The task that is believed running there will be called lost.'
    : `The ${count} tasks that are believed running there will be called lost.`;
}

const DAEMON_CHANGES: Record<DaemonChange['what'], string> = {
  enrolled: 'A daemon was enrolled',
  replaced: 'Another daemon was enrolled',
  removed: 'The daemon was removed',
  released: 'The daemon was released',
};

/** What last happened to a workspace's daemon, `when` included, as a sentence. */
export function daemonChangeSentence(change: DaemonChange, when: string): string {
  const { user, token, address, removedAccount } = change;
  const how = token === null ? '' : ` with the token “${token}”`;
  const where = address === null ? '' : ` from ${address}`;
  const why = removedAccount === null ? '' : `, together with the account ${removedAccount}`;
  return `${DAEMON_CHANGES[change.what]} ${when} by ${user}${how}${where}${why}.`;
}

/** Whether this one may add, rename and remove workspaces. */
export function mayPrepareMachines(me: Principal): boolean {
  return me.scopes.includes('workspaces:write') || me.scopes.includes('admin');
}

/** Whether this one may look after the hub itself. */
export function isOwner(me: Principal): boolean {
  return me.role === 'owner' && me.scopes.includes('admin');
}

/** Whether this one may run, cancel and type. */
export function mayOperate(me: Principal): boolean {
  return me.scopes.includes('tasks:write') || me.scopes.includes('admin');
}

/** Seconds a task ran, or has been running; null before it started. */
export function elapsed(task: Task, now: number): number | null {
  if (task.startedAt === null) return null;
  const end = task.finishedAt === null ? now : Date.parse(task.finishedAt);
  return Math.max(0, (end - Date.parse(task.startedAt)) / 1000);
}
