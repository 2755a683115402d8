/** The ways to take an output away; `format` is the hub's name for it. */
export const DOWNLOADS = [
  { format: 'raw', label: 'Exactly as it is', hint: 'every byte, colours included' },
  { format: 'text', label: 'Plain text', hint: 'without colours and control sequences' },
  { format: 'asciicast', label: 'Recording', hint: 'asciicast, with its timing' },
  { format: 'jsonl', label: 'JSON lines', hint: 'for programs: streams, times, gaps' },
] as const;

export function downloadAddress(taskId: string, format: string): string {
  return `/api/tasks/${encodeURIComponent(taskId)}/output?download=1&format=${format}`;
}
