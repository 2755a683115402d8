import '@xterm/xterm/css/xterm.css';
import { useEffect, useRef } from 'react';
import { useStore } from '../../hooks/useStore';
import { MapColumn } from './MapColumn';
import type { OutputController } from './OutputController';
import styles from './OutputView.module.css';
import { ReadableOutput } from './ReadableOutput';

/** For those who look from outside the page, as tests do. */
export interface ArborOutput {
  /** The text of the rows that are loaded. */
  text(): string;
}

declare global {
  interface HTMLElement {
    arborOutput?: ArborOutput;
  }
}

/** A task's output. Fills its box; its bytes go from the link to the terminal and never here. */
export function OutputView({ controller }: { controller: OutputController }) {
  const box = useRef<HTMLElement>(null);
  const terminal = useRef<HTMLDivElement>(null);
  const marks = useRef<HTMLDivElement>(null);
  const view = useStore(controller.view);
  const { start, end, following, times, wrap, sizeElsewhere, attached } = view;

  useEffect(() => {
    if (box.current === null || terminal.current === null || marks.current === null) {
      return;
    }
    box.current.arborOutput = { text: () => controller.text() };
    return controller.mount({
      box: box.current,
      terminal: terminal.current,
      marks: marks.current,
    });
  }, [controller]);

  return (
    <section
      ref={box}
      className={styles.output}
      aria-label="Output"
      data-output
      data-attached={attached || undefined}
      data-offset-start={start}
      data-offset-end={end}
      data-following={following}
      data-times={times || undefined}
      data-wrap={wrap || undefined}
      data-fixed={controller.isTerminal || undefined}
      data-elsewhere={
        sizeElsewhere === null ? undefined : `${sizeElsewhere.cols}x${sizeElsewhere.rows}`
      }
    >
      <div className={styles.marks} ref={marks} aria-hidden="true" />
      <div className={styles.terminal} ref={terminal} />
      <ReadableOutput controller={controller} />
      <MapColumn controller={controller} />
      {sizeElsewhere !== null && (
        <p className={styles.elsewhere} role="status">
          {sizeElsewhere.cols} × {sizeElsewhere.rows}, sized for another window ·{' '}
          <button type="button" onClick={() => controller.takeSize()}>
            use this size
          </button>
        </p>
      )}
    </section>
  );
}
