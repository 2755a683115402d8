import type { NewTask, Task, Workspace } from '../protocol/messages';
import { ApiError, explain, get, type Page, patch, post, remove } from './http';
import { hubNow } from './hubClock';
import type { Fact, Link } from './link';
import { changedTask, changedWorkspace, isFinal } from './merge';
import { Store } from './store';
import { TaskTable } from './taskTable';

const LISTED_TASKS = 50;
// The most that the hub gives on one page.
const LISTED_UNFINISHED_TASKS = 500;
const KEPT_FINAL_TASKS = 500;
// A burst of changes is shown at once, as often as eyes can follow.
const PUBLISH_MS = 100;
const UNFINISHED = `/api/tasks?status=pending,running&limit=${LISTED_UNFINISHED_TASKS}`;

/** What admits one daemon to a workspace, once; `command` is what to run on its machine. */
export interface Enrollment {
  readonly code: string;
  readonly command: string;
  readonly expiresAt: string;
}

export interface Known {
  /** By name. */
  readonly workspaces: readonly Workspace[];
  /** Newest first. */
  readonly tasks: readonly Task[];
  readonly loaded: boolean;
  readonly problem: string | null;
  /** Since when nothing was heard, in milliseconds as `hubNow()`; null: it is as it is now. */
  readonly staleSince: number | null;
}

const NOTHING: Known = {
  workspaces: [],
  tasks: [],
  loaded: false,
  problem: null,
  staleSince: null,
};

/** What is known of workspaces and tasks, kept up to date over the link. */
export class Directory {
  readonly state = new Store<Known>(NOTHING);
  /** The tasks that were started from this page, since it was loaded. */
  readonly startedHere = new Set<string>();
  readonly #seen = new Set<string>();
  readonly #link: Link;
  readonly #tasks = new TaskTable(KEPT_FINAL_TASKS);
  #refreshedAt: number | null = null;
  #publishing: ReturnType<typeof setTimeout> | null = null;
  #stop: (() => void)[] = [];

  constructor(link: Link) {
    this.#link = link;
  }

  start(): void {
    this.close();
    let wasLive = this.#link.state.get().kind === 'live';
    const onLink = () => {
      const { kind } = this.#link.state.get();
      const isLive = kind === 'live';
      // What changed while we were away was told to nobody: look anew.
      if (isLive && !wasLive) void this.refresh();
      const isAway = wasLive ? !isLive : kind === 'waiting' || kind === 'refused';
      if (isAway && this.state.get().staleSince === null) {
        const known = wasLive ? null : this.#refreshedAt;
        this.#update({ staleSince: known ?? hubNow() });
      }
      wasLive = isLive;
    };
    this.#stop = [
      this.#link.listen((fact) => this.#onFact(fact)),
      this.#link.listenForRemovals((workspaceId) => this.#forgetWorkspace(workspaceId)),
      this.#link.state.subscribe(onLink),
    ];
    void this.refresh();
  }

  close(): void {
    for (const stop of this.#stop) {
      stop();
    }
    this.#stop = [];
    if (this.#publishing !== null) clearTimeout(this.#publishing);
    this.#publishing = null;
  }

  /** Whether a task was started from here and is shown for the first time, which it is by asking. */
  isFirstLook(taskId: string): boolean {
    const isFirst = this.startedHere.has(taskId) && !this.#seen.has(taskId);
    this.#seen.add(taskId);
    return isFirst;
  }

  /** Nobody is signed in: what was known is of no concern to who is next. */
  forget(): void {
    this.close();
    this.startedHere.clear();
    this.#seen.clear();
    this.#tasks.clear();
    this.state.set(NOTHING);
  }

  async refresh(): Promise<void> {
    const before = this.state.get().tasks;
    try {
      const [workspaces, latest, unfinished] = await Promise.all([
        get<Page<Workspace>>('/api/workspaces'),
        get<Page<Task>>(`/api/tasks?limit=${LISTED_TASKS}`),
        get<Page<Task>>(UNFINISHED),
      ]);
      const told = [...unfinished.items, ...latest.items];
      this.#put(told);
      this.#refreshedAt = Date.now();
      const isLive = this.#link.state.get().kind === 'live';
      const isStale = !isLive && this.state.get().staleSince !== null;
      this.#update({
        workspaces: sortedByName(workspaces.items),
        loaded: true,
        problem: null,
        staleSince: isStale ? this.#refreshedAt : null,
      });
      if (unfinished.nextCursor === null) void this.#lookAfter(outdated(before, told));
    } catch (error) {
      this.#update({ problem: explain(error) });
    }
  }

  /** What is told live of a running task does not include how its output grows. */
  async refreshUnfinished(): Promise<void> {
    this.#put((await get<Page<Task>>(UNFINISHED)).items);
  }

  async load(taskId: string): Promise<void> {
    this.#tasks.ask(taskId);
    this.#put([await get<Task>(taskPath(taskId))]);
  }

  run(workspaceId: string, task: NewTask): Promise<Task> {
    return this.#keep(post<Task>(`${workspacePath(workspaceId)}/tasks`, task));
  }

  rerun(taskId: string): Promise<Task> {
    return this.#keep(post<Task>(`${taskPath(taskId)}/rerun`));
  }

  async cancel(taskId: string): Promise<void> {
    await post(`${taskPath(taskId)}/cancel`);
  }

  enrollmentCode(workspaceId: string): Promise<Enrollment> {
    return post(`${workspacePath(workspaceId)}/enrollment`);
  }

  async createWorkspace(name: string): Promise<Workspace> {
    const workspace = await post<Workspace>('/api/workspaces', { name });
    this.#putWorkspace(workspace);
    return workspace;
  }

  async renameWorkspace(workspaceId: string, name: string): Promise<void> {
    this.#putWorkspace(await patch<Workspace>(workspacePath(workspaceId), { name }));
  }

  /** With its tasks and their output; the folder itself stays. */
  async removeWorkspace(workspaceId: string): Promise<void> {
    await remove(workspacePath(workspaceId));
    this.#forgetWorkspace(workspaceId);
  }

  #forgetWorkspace(workspaceId: string): void {
    const { workspaces, tasks } = this.state.get();
    const gone = tasks.filter((task) => task.workspaceId === workspaceId);
    this.#tasks.remove(gone.map(({ id }) => id));
    this.#update({
      workspaces: workspaces.filter(({ id }) => id !== workspaceId),
      tasks: this.#tasks.list(),
    });
  }

  async #keep(request: Promise<Task>): Promise<Task> {
    const task = await request;
    this.startedHere.add(task.id);
    this.#put([task]);
    return task;
  }

  #onFact(fact: Fact): void {
    if (fact.type === 'status') {
      const task = changedTask(this.#tasks.get(fact.taskId), fact);
      if (task !== null) {
        this.#tasks.put([task]);
        this.#publishing ??= setTimeout(() => this.#publish(), PUBLISH_MS);
      }
      return;
    }
    const { workspaces } = this.state.get();
    const workspace = changedWorkspace(
      workspaces.find((item) => item.id === fact.workspaceId),
      fact,
    );
    if (workspace !== null) this.#putWorkspace(workspace);
  }

  #putWorkspace(workspace: Workspace): void {
    const others = this.state.get().workspaces.filter((item) => item.id !== workspace.id);
    this.#update({ workspaces: sortedByName([...others, workspace]) });
  }

  /** What became of these; those that are gone are forgotten. */
  async #lookAfter(ids: readonly string[]): Promise<void> {
    const answers = await Promise.allSettled(
      ids.slice(0, LISTED_TASKS).map((id) => get<Task>(taskPath(id))),
    );
    this.#tasks.put(
      answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : [])),
    );
    const isGone = (_id: string, index: number) => saysGone(answers[index]);
    this.#tasks.remove(ids.filter(isGone));
    this.#publish();
  }

  #put(told: readonly Task[]): void {
    this.#tasks.put(told);
    this.#publish();
  }

  #publish(): void {
    if (this.#publishing !== null) clearTimeout(this.#publishing);
    this.#publishing = null;
    this.#update({ tasks: this.#tasks.list() });
  }

  #update(change: Partial<Known>): void {
    this.state.set({ ...this.state.get(), ...change });
  }
}

function taskPath(taskId: string): string {
  return `/api/tasks/${encodeURIComponent(taskId)}`;
}

function workspacePath(workspaceId: string): string {
  return `/api/workspaces/${encodeURIComponent(workspaceId)}`;
}

/** Those that ended, or are gone, while nobody told us. */
function outdated(known: readonly Task[], told: readonly Task[]): string[] {
  const ids = new Set(told.map(({ id }) => id));
  return known.filter((task) => !isFinal(task.status) && !ids.has(task.id)).map(({ id }) => id);
}

function saysGone(answer: PromiseSettledResult<unknown> | undefined): boolean {
  const reason: unknown = answer?.status === 'rejected' ? answer.reason : null;
  return reason instanceof ApiError && reason.status === 404;
}

function sortedByName(workspaces: readonly Workspace[]): Workspace[] {
  return [...workspaces].sort((one, other) => one.name.localeCompare(other.name));
}
