import styles from './OutputView.module.css';
import type { TerminalScreen } from './TerminalScreen';

/** What is said about one row in view. */
export interface RowMark {
  readonly isError: boolean;
  readonly isGap: boolean;
  readonly isHit: boolean;
  /** `14:02:11`, at the first row of a line; empty: nothing is said. */
  readonly time: string;
}

const NOTHING: RowMark = { isError: false, isGap: false, isHit: false, time: '' };
const STDERR_ROW = 'arbor-stderr';

/** Marks beside and under the rows in view. The text itself stays as the program wrote it. */
export class RowMarks {
  readonly #host: HTMLElement;
  readonly #screen: TerminalScreen;
  #rows: { element: HTMLElement; shown: RowMark }[] = [];
  #rowHeight = 0;

  constructor(host: HTMLElement, screen: TerminalScreen) {
    this.#host = host;
    this.#screen = screen;
  }

  draw(marks: readonly RowMark[]): void {
    this.#layOut(marks.length);
    const texts = this.#screen.rowElements();
    for (const [index, row] of this.#rows.entries()) {
      const mark = marks[index] ?? NOTHING;
      const { element, shown } = row;
      // xterm makes its rows anew when its size changes, without our class.
      texts?.[index]?.classList.toggle(STDERR_ROW, mark.isError);
      if (same(mark, shown)) continue;
      element.toggleAttribute('data-stderr', mark.isError);
      element.toggleAttribute('data-gap', mark.isGap);
      element.toggleAttribute('data-hit', mark.isHit);
      if (mark.time !== shown.time) element.textContent = mark.time;
      row.shown = mark;
    }
  }

  #layOut(count: number): void {
    const { height } = this.#screen.cell();
    if (this.#rows.length === count && this.#rowHeight === height) {
      return;
    }
    this.#rowHeight = height;
    this.#rows = Array.from({ length: count }, (_, index) => {
      const element = document.createElement('div');
      element.className = styles.mark ?? '';
      element.style.top = `${index * height}px`;
      element.style.height = `${height}px`;
      element.style.lineHeight = `${height}px`;
      return { element, shown: NOTHING };
    });
    this.#host.replaceChildren(...this.#rows.map(({ element }) => element));
  }
}

function same(one: RowMark, other: RowMark): boolean {
  return (
    one.isError === other.isError &&
    one.isGap === other.isGap &&
    one.isHit === other.isHit &&
    one.time === other.time
  );
}
