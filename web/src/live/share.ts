/** The address of a task, or of a byte of its output. */
export function taskUrl(origin: string, taskId: string, at?: number): string {
  const url = new URL(`/tasks/${encodeURIComponent(taskId)}`, origin);
  if (at !== undefined) url.searchParams.set('at', String(at));
  return url.href;
}
