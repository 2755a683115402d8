import type { Task } from '../protocol/messages';
import { get } from './http';
import { commandLine } from './words';

/** Copy a task's whole command; the hub is asked for one that is cut. */
export async function copyCommand(task: Task): Promise<void> {
  const whole = task.isCut ? await get<Task>(`/api/tasks/${encodeURIComponent(task.id)}`) : task;
  await navigator.clipboard.writeText(commandLine(whole));
}
