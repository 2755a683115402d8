const KIB = 1024;
const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `0 bytes`, `12 KiB`, `18.4 MiB`. */
export function formatSize(bytes: number): string {
  if (bytes < KIB) {
    return bytes === 1 ? '1 byte' : `${bytes} bytes`;
  }
  let value = bytes / KIB;
  let unit = 0;
  while (value >= KIB && unit < UNITS.length - 1) {
    value /= KIB;
    unit += 1;
  }
  return `${value < 10 || unit > 0 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}

/** `31 ms`, `1.4 s`, `52 s`, `6 min 41 s`, `1 h 12 min`, `2 d 3 h`. */
export function formatDuration(seconds: number): string {
  if (seconds < 0.95) return `${Math.max(0, Math.round(seconds * 1000))} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  if (whole < 86_400) {
    return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
  }
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

/** `now`, `5 min`, `3 h`, `2 d`: how long ago, where there is little room. */
export function formatAge(seconds: number): string {
  if (seconds < 60) return 'now';
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** `just now`, `5 min ago`: how long ago, in a sentence. */
export function formatAgo(seconds: number): string {
  return seconds < 60 ? 'just now' : `${formatAge(seconds)} ago`;
}

/** `0.8 ms`, `23 ms`. */
export function formatMilliseconds(milliseconds: number): string {
  return `${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;
}

/** `14:02` today, `3 Nov 14:02` before that. */
export function formatTime(iso: string, now: number): string {
  const date = new Date(iso);
  const clock = date.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' });
  if (date.toDateString() === new Date(now).toDateString()) {
    return clock;
  }
  return `${date.toLocaleDateString(undefined, { day: 'numeric', month: 'short' })} ${clock}`;
}

// Making one takes longer than all else about a row of a list.
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' });

/** The exact time, for hovering. */
export function formatExactTime(iso: string): string {
  return EXACT.format(new Date(iso));
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
