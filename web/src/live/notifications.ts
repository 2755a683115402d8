import type { Task, Workspace } from '../protocol/messages';
import { formatDuration } from './format';
import { isFinal } from './merge';
import { nameOnOneLine } from './tabTitle';
import { statusDetail, statusLabel } from './words';

/** What the browser shows outside its window. */
export interface EndNotice {
  readonly taskId: string;
  readonly title: string;
  readonly body: string;
}

/** Which ends are told: of tasks that were started here, each once, while nobody looks. */
export class EndNotices {
  readonly #startedHere: ReadonlySet<string>;
  readonly #seen = new Set<string>();

  constructor(startedHere: ReadonlySet<string>) {
    this.#startedHere = startedHere;
  }

  /** What ended since the last call. What ends before somebody's eyes is not told later either. */
  next(tasks: readonly Task[], workspaces: readonly Workspace[], isHidden: boolean): EndNotice[] {
    const ended = tasks.filter(
      ({ id, status }) => isFinal(status) && this.#startedHere.has(id) && !this.#seen.has(id),
    );
    for (const { id } of ended) {
      this.#seen.add(id);
    }
    return isHidden ? ended.map((task) => noticeOf(task, workspaces)) : [];
  }
}

function noticeOf(task: Task, workspaces: readonly Workspace[]): EndNotice {
  const { startedAt, finishedAt } = task;
  const took =
    startedAt !== null && finishedAt !== null
      ? formatDuration((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000)
      : null;
  const workspace = workspaces.find(({ id }) => id === task.workspaceId);
  return {
    taskId: task.id,
    title: `${statusLabel(task)}: ${nameOnOneLine(task)}`,
    body: [statusDetail(task), took, workspace?.name].filter(Boolean).join(' · '),
  };
}
