const MICROSECONDS = 1000;

// What the hub's clock is ahead of ours, in milliseconds. Nothing is known before the first welcome.
let ahead = 0;

/** The hub says what its clock shows, in µs since 1970; a moment ago, as the way here takes time. */
export function learnHubTime(us: number): void {
  ahead = us / MICROSECONDS - Date.now();
}

/**
 * Now by the hub's clock, in milliseconds since 1970. All times of tasks and workspaces are by it:
 * they are compared with this, whatever the clock of this machine shows.
 */
export function hubNow(): number {
  return Date.now() + ahead;
}
