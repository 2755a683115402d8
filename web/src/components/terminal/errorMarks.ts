import type { IDecoration, Terminal } from '@xterm/xterm';
import { STDERR } from './palette';
import styles from './TaskOutput.module.css';

// Beyond it the oldest lines of stderr lose their mark, not their text.
const MAX_MARKS = 1_000;
const WHOLE_LINE = { left: 'calc(-1 * var(--gutter))', width: 'calc(100% + var(--gutter))' };

/** Marks the lines that came from stderr. */
export class ErrorMarks {
  readonly #terminal: Terminal;
  readonly #marks: IDecoration[] = [];

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  write(bytes: Uint8Array, rendered: () => void): void {
    let start = { line: 0, dispose() {} };
    // xterm works through what is written in order: this is called right before the bytes are
    // parsed. A marker, unlike a number, moves with its line when old ones are dropped.
    this.#terminal.write('', () => {
      start = this.#terminal.registerMarker(0);
    });
    this.#terminal.write(bytes, () => {
      this.#mark(start.line);
      start.dispose();
      rendered();
    });
  }

  #mark(start: number): void {
    const { baseY, cursorX, cursorY } = this.#terminal.buffer.active;
    const cursor = baseY + cursorY;
    const end = cursorX === 0 ? cursor : cursor + 1;
    // A marker whose line is gone says -1.
    for (let line = Math.max(0, start, end - MAX_MARKS); line < end; line += 1) {
      const marker = this.#terminal.registerMarker(line - cursor);
      const mark = this.#terminal.registerDecoration({
        marker,
        overviewRulerOptions: { color: STDERR, position: 'full' },
      });
      if (mark === undefined) continue;
      mark.onRender((element) => {
        element.classList.add(styles.stderr ?? '');
        // Over what xterm has just set, which is the place of a single character.
        Object.assign(element.style, WHOLE_LINE);
      });
      mark.onDispose(() => marker.dispose());
      this.#marks.push(mark);
    }
    for (const old of this.#marks.splice(0, this.#marks.length - MAX_MARKS)) {
      old.dispose();
    }
  }
}
