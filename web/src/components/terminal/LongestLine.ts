/** Wider terminals cost memory for every row. */
const MAX_COLUMNS = 1_000;
const STEP_COLUMNS = 40;
const LINE_FEED = 10;

/** How wide a terminal must be so that no line that was seen is wrapped. */
export class LongestLine {
  #longest = 0;
  #open = 0;

  add(bytes: Uint8Array): void {
    let start = 0;
    for (;;) {
      const end = bytes.indexOf(LINE_FEED, start);
      this.#open += (end < 0 ? bytes.length : end) - start;
      this.#longest = Math.max(this.#longest, this.#open);
      if (end < 0) return;
      this.#open = 0;
      start = end + 1;
    }
  }

  /** In steps, so that a slowly growing line does not move everything all the time. */
  get columns(): number {
    return Math.min(MAX_COLUMNS, Math.ceil(this.#longest / STEP_COLUMNS) * STEP_COLUMNS);
  }
}
