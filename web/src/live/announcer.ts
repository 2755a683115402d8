/** More at once is not listened to; the rest is counted. */
const MAX_LINES = 3;
const MAX_LINE_CHARACTERS = 120;

/** An output as it stands, for its listener. */
export interface Heard {
  /** The row that is written next, counted from the first ever. */
  readonly row: number;
  /** The last lines with text, the one that is being written included. */
  readonly tail: readonly string[];
  /** The end is followed, and what was there before has been drawn. */
  readonly isLive: boolean;
}

/** Says of an output what is new, in a few words however much it is. */
export class Announcer {
  // Null while what is drawn was there before: its rows are not news once the end is reached.
  #row: number | null = null;

  /** What to say next; null: nothing is new. */
  next({ row, tail, isLive }: Heard): string | null {
    const before = this.#row;
    this.#row = isLive ? row : null;
    if (!isLive || before === null || row <= before) return null;
    const count = row - before;
    const shown = tail.slice(-Math.min(count, MAX_LINES));
    // With fewer lines than are said there are no more: the other rows are empty ones, or a screen
    // that was erased and is counted anew.
    const left = shown.length < MAX_LINES ? 0 : count - shown.length;
    const words = shown.map(shorten).join('\n');
    return left > 0 ? `${left} more lines, then: ${words}` : words;
  }
}

function shorten(line: string): string {
  return line.length > MAX_LINE_CHARACTERS ? `${line.slice(0, MAX_LINE_CHARACTERS)}…` : line;
}
