import { useEffect, useRef } from 'react';
import { usePreferences } from '../../hooks/usePreferences';
import { Announcer } from '../../live/announcer';
import type { OutputController } from './OutputController';

/** Lines in view are put into words at most so often. */
const LINES_MS = 250;
/** New output is announced at most so often: a flood must not keep a screen reader from the rest. */
const ANNOUNCE_MS = 2_000;

/**
 * The output for assistive technology: the lines in view as text, and what is new as announcements.
 *
 * xterm draws rows of spans that are hidden from it. Its own screen reader mode draws them a second
 * time with each frame and announces every character, at once; this follows some times a second.
 */
export function ReadableOutput({ controller }: { controller: OutputController }) {
  const lines = useRef<HTMLDivElement>(null);
  const news = useRef<HTMLDivElement>(null);
  const [{ announceOutput }] = usePreferences();
  useEffect(() => {
    const announcer = new Announcer();
    let timer = 0;
    let saidAt = Number.NEGATIVE_INFINITY;
    const draw = () => {
      timer = 0;
      if (lines.current === null || news.current === null || document.hidden) return;
      const readable = controller.readable();
      showLines(lines.current, readable.inView);
      const wait = saidAt + ANNOUNCE_MS - performance.now();
      if (!announceOutput) return;
      if (wait > 0) {
        timer = window.setTimeout(draw, Math.max(wait, LINES_MS));
        return;
      }
      const words = announcer.next(readable);
      if (words === null) return;
      news.current.textContent = words;
      saidAt = performance.now();
    };
    const drawSoon = () => {
      if (timer === 0) timer = window.setTimeout(draw, LINES_MS);
    };
    const stop = controller.view.subscribe(drawSoon);
    document.addEventListener('visibilitychange', drawSoon);
    drawSoon();
    return () => {
      stop();
      document.removeEventListener('visibilitychange', drawSoon);
      clearTimeout(timer);
    };
  }, [controller, announceOutput]);
  return (
    <>
      <div ref={lines} className="unseen" role="log" aria-label="Lines in view" aria-live="off" />
      <div ref={news} className="unseen" aria-live="polite" aria-atomic="true" />
    </>
  );
}

/** Only what has changed is touched: a reader keeps its place in the rest. */
function showLines(host: HTMLElement, lines: readonly string[]): void {
  while (host.childElementCount > lines.length) host.lastElementChild?.remove();
  for (const [index, line] of lines.entries()) {
    const element = host.children[index] ?? host.appendChild(document.createElement('div'));
    if (element.textContent !== line) element.textContent = line;
  }
}
