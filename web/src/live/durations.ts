import { formatDuration } from './format';

const SECONDS: Record<string, number> = { s: 1, m: 60, min: 60, h: 3600, d: 86_400 };
const PART = /(\d+(?:\.\d+)?)\s*(min|s|m|h|d)?\s*/gy;

/** Seconds in `90`, `90 s`, `10 min`, `1 h 30 min`, `2d`; null if it is no duration above zero. */
export function parseDuration(text: string): number | null {
  const compact = text.trim().toLowerCase();
  let seconds = 0;
  let end = 0;
  for (const [part, amount, unit = 's'] of compact.matchAll(PART)) {
    seconds += Number(amount) * (SECONDS[unit] ?? 1);
    end += part.length;
  }
  return end === compact.length && seconds > 0 ? seconds : null;
}

/** As a person would write it, without losing anything: `parseDuration` gives it back. */
export function writeDuration(seconds: number): string {
  const words = formatDuration(seconds);
  return parseDuration(words) === seconds ? words : `${seconds} s`;
}
