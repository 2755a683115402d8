import { Backoff } from './backoff';
import { ApiError } from './http';

const MAX_RETRIES = 2;
/** Longer than this nobody is left waiting without a word. */
const MAX_WAIT_SECONDS = 30;
const FIRST_WAIT_MS = 1000;

/** Whether to ask again: a hub that restarts or is busy answers later; one that refuses does not. */
export function mayPass(failures: number, error: Error): boolean {
  if (failures >= MAX_RETRIES) return false;
  if (!(error instanceof ApiError)) return true;
  if (error.retryAfter !== null) return error.retryAfter <= MAX_WAIT_SECONDS;
  return error.status === 0 || error.status >= 500;
}

/** How long to wait before that, in ms; never less than the hub asks for. */
export function retryDelayMs(
  failures: number,
  error: Error,
  random: () => number = Math.random,
): number {
  const hint = error instanceof ApiError ? error.retryAfter : null;
  return hint === null ? FIRST_WAIT_MS * 2 ** failures : new Backoff(random).nextDelay(hint) * 1000;
}
