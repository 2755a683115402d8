import type { NewTask, Task, Workspace } from '../protocol/messages';
import { explain, get, type Page, post } from './http';
import type { Fact, Link } from './link';
import { changedTask, changedWorkspace, isFinal, laterTask } from './merge';
import { Store } from './store';

const LISTED_TASKS = 50;
const KEPT_FINAL_TASKS = 500;

export interface Known {
  /** By name. */
  readonly workspaces: readonly Workspace[];
  /** Newest first. */
  readonly tasks: readonly Task[];
  readonly loaded: boolean;
  readonly problem: string | null;
}

/** What is known of workspaces and tasks, kept up to date over the link. */
export class Directory {
  readonly state = new Store<Known>({ workspaces: [], tasks: [], loaded: false, problem: null });
  readonly #link: Link;
  #stop: (() => void)[] = [];

  constructor(link: Link) {
    this.#link = link;
  }

  start(): void {
    this.close();
    let wasLive = false;
    const onLink = () => {
      const isLive = this.#link.state.get().kind === 'live';
      // What changed while we were away was told to nobody: look anew.
      if (isLive && !wasLive) void this.refresh();
      wasLive = isLive;
    };
    this.#stop = [
      this.#link.listen((fact) => this.#onFact(fact)),
      this.#link.state.subscribe(onLink),
    ];
    void this.refresh();
  }

  close(): void {
    for (const stop of this.#stop) {
      stop();
    }
    this.#stop = [];
  }

  async refresh(): Promise<void> {
    try {
      const [workspaces, tasks] = await Promise.all([
        get<Page<Workspace>>('/api/workspaces'),
        get<Page<Task>>(`/api/tasks?limit=${LISTED_TASKS}`),
      ]);
      this.#update({ workspaces: sortedByName(workspaces.items), loaded: true, problem: null });
      this.#put(tasks.items);
    } catch (error) {
      this.#update({ problem: explain(error) });
    }
  }

  async load(taskId: string): Promise<void> {
    this.#put([await get<Task>(taskPath(taskId))]);
  }

  run(workspaceId: string, task: NewTask): Promise<Task> {
    return this.#keep(post<Task>(`/api/workspaces/${encodeURIComponent(workspaceId)}/tasks`, task));
  }

  rerun(taskId: string): Promise<Task> {
    return this.#keep(post<Task>(`${taskPath(taskId)}/rerun`));
  }

  async cancel(taskId: string): Promise<void> {
    await post(`${taskPath(taskId)}/cancel`);
  }

  enrollmentCode(workspaceId: string): Promise<{ code: string; expiresAt: string }> {
    return post(`/api/workspaces/${encodeURIComponent(workspaceId)}/enrollment`);
  }

  async #keep(request: Promise<Task>): Promise<Task> {
    const task = await request;
    this.#put([task]);
    return task;
  }

  #onFact(fact: Fact): void {
    const { workspaces, tasks } = this.state.get();
    if (fact.type === 'status') {
      const task = changedTask(
        tasks.find((item) => item.id === fact.taskId),
        fact,
      );
      if (task !== null) this.#put([task]);
      return;
    }
    const workspace = changedWorkspace(
      workspaces.find((item) => item.id === fact.workspaceId),
      fact,
    );
    if (workspace !== null) {
      const others = workspaces.filter((item) => item.id !== workspace.id);
      this.#update({ workspaces: sortedByName([...others, workspace]) });
    }
  }

  #put(told: readonly Task[]): void {
    const tasks = new Map(this.state.get().tasks.map((task) => [task.id, task]));
    for (const task of told) {
      tasks.set(task.id, laterTask(tasks.get(task.id), task));
    }
    const newest = [...tasks.values()].sort((one, other) => compare(other.id, one.id));
    let finished = 0;
    const kept = newest.filter((task) => {
      finished += isFinal(task.status) ? 1 : 0;
      return !isFinal(task.status) || finished <= KEPT_FINAL_TASKS;
    });
    this.#update({ tasks: kept });
  }

  #update(change: Partial<Known>): void {
    this.state.set({ ...this.state.get(), ...change });
  }
}

function taskPath(taskId: string): string {
  return `/api/tasks/${encodeURIComponent(taskId)}`;
}

function sortedByName(workspaces: readonly Workspace[]): Workspace[] {
  return [...workspaces].sort((one, other) => one.name.localeCompare(other.name));
}

// Ids are ordered by time.
function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
