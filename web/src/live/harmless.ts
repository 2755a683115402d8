import { ControlStrings } from './controlStrings';
import { KeptLines, type Taken } from './keptLines';
import { MarkLimit } from './markLimit';

/** Makes output harmless to draw: nothing of it is too much, and of a log no line goes. */
export class Harmless {
  readonly #lines: KeptLines | null;
  readonly #strings = new ControlStrings();
  readonly #marks = new MarkLimit();

  /** `isTerminal`: its program draws the whole screen, as it likes. */
  constructor(isTerminal: boolean) {
    this.#lines = isTerminal ? null : new KeptLines();
  }

  /** What to draw of bytes that go on where the last ones taken ended. */
  take(bytes: Uint8Array): Taken {
    const taken = this.#lines?.take(bytes) ?? { used: bytes.length, data: bytes, addsRow: false };
    return { ...taken, data: this.#marks.limit(this.#strings.shorten(taken.data)) };
  }

  /** What comes next is of another place. */
  reset(): void {
    this.#lines?.reset();
    this.#strings.reset();
  }

  /** A row was drawn that is none of the output's. */
  rowAdded(): void {
    this.#lines?.rowAdded();
  }
}
