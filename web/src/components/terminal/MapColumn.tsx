import { type KeyboardEvent, type PointerEvent, useEffect, useRef } from 'react';
import { useStore } from '../../hooks/useStore';
import { drawMap, offsetAt, thumbOf } from './MapCanvas';
import type { OutputController } from './OutputController';
import styles from './OutputView.module.css';

/** The whole output as a thin column: stderr, gaps, hits, and what is in view, to be dragged. */
export function MapColumn({ controller }: { controller: OutputController }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const grip = useRef<number | null>(null);
  const { size, visibleFrom, visibleTo } = useStore(controller.view);

  useEffect(() => {
    const element = canvas.current;
    if (element === null) {
      return;
    }
    const draw = () => drawMap(element, controller.picture());
    const observer = new ResizeObserver(draw);
    observer.observe(element);
    const stop = controller.onPicture(draw);
    return () => {
      observer.disconnect();
      stop();
    };
  }, [controller]);

  const go = (event: PointerEvent<HTMLCanvasElement>) => {
    if (grip.current === null) {
      return;
    }
    const { top, height } = event.currentTarget.getBoundingClientRect();
    const visible = visibleTo - visibleFrom;
    const offset = offsetAt(event.clientY - top - grip.current, visible, size, height);
    if (offset + visible >= size) controller.toEnd();
    else controller.scrollToOffset(offset);
  };

  const take = (event: PointerEvent<HTMLCanvasElement>) => {
    const { top, height } = event.currentTarget.getBoundingClientRect();
    const thumb = thumbOf(visibleFrom, visibleTo, size, height);
    const at = event.clientY - top - thumb.top;
    // Beside the thumb: its middle goes to where one pressed.
    grip.current = at >= 0 && at <= thumb.height ? at : thumb.height / 2;
    event.currentTarget.setPointerCapture(event.pointerId);
    go(event);
  };

  return (
    <canvas
      ref={canvas}
      className={styles.map}
      role="slider"
      tabIndex={0}
      aria-label="Place in the output"
      aria-orientation="vertical"
      aria-valuemin={0}
      aria-valuemax={size}
      aria-valuenow={visibleFrom}
      aria-valuetext={`byte ${visibleFrom.toLocaleString('en')} of ${size.toLocaleString('en')}`}
      onPointerDown={take}
      onPointerMove={go}
      onPointerUp={() => {
        grip.current = null;
      }}
      onPointerCancel={() => {
        grip.current = null;
      }}
      onKeyDown={(event) => onKey(event, controller)}
    />
  );
}

function onKey(event: KeyboardEvent, controller: OutputController): void {
  const actions: Record<string, () => void> = {
    ArrowUp: () => controller.scrollPages(-0.2),
    ArrowDown: () => controller.scrollPages(0.2),
    PageUp: () => controller.scrollPages(-1),
    PageDown: () => controller.scrollPages(1),
    Home: () => controller.toStart(),
    End: () => controller.toEnd(),
  };
  const action = actions[event.key];
  if (action !== undefined) {
    event.preventDefault();
    action();
  }
}
