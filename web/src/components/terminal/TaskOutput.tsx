import { useEffect, useRef, useState } from 'react';
import { useClient } from '../../hooks/useClient';
import { useStore } from '../../hooks/useStore';
import type { Task } from '../../protocol/messages';
import { createOutputController, KeyRow, OutputView } from './index';
import type { OutputController } from './OutputController';
import styles from './TaskOutput.module.css';

/** A task's output with the plainest of bars. */
export default function TaskOutput({ task }: { task: Task }) {
  const client = useClient();
  const family = useRef<HTMLElement>(null);
  // Where to begin is decided once: the output goes on from there however the task changes.
  const [controller] = useState(() =>
    createOutputController(client, task, {
      look: {
        fontSize: 13,
        fontFamily: getComputedStyle(document.documentElement).getPropertyValue('--code'),
        palette: 'arbor',
      },
      writable: true,
      openLink: (url) => {
        if (confirm(`The output links to ${url}. Open it?`)) open(url, '_blank', 'noopener');
      },
    }),
  );
  useEffect(() => () => controller.dispose(), [controller]);
  return (
    <section ref={family} className={styles.output}>
      <OutputView controller={controller} />
      <Footer controller={controller} />
      <KeyRow controller={controller} />
    </section>
  );
}

function Footer({ controller }: { controller: OutputController }) {
  const { following, problem, visibleFrom, moreBelow } = useStore(controller.view);
  const search = useStore(controller.searching);
  return (
    <div className={styles.footer}>
      <button
        type="button"
        aria-pressed={following}
        className={styles.follow}
        onClick={() => controller.follow(!following)}
      >
        <span className={styles.knob} aria-hidden="true" /> Follow
      </button>
      <input
        aria-label="Search"
        onKeyDown={(event) => {
          if (event.key === 'Enter') {
            controller.search(event.currentTarget.value, { regex: false, case: false });
          }
        }}
      />
      <span>{search.hits.length}</span>
      <button type="button" onClick={() => controller.toggleTimes()}>
        Times
      </button>
      <button type="button" onClick={() => controller.toggleWrap()}>
        Wrap
      </button>
      {problem !== null && (
        <span role="alert" className={styles.problem}>
          {problem}
        </span>
      )}
      {moreBelow > 0 && !following && <span>{moreBelow.toLocaleString('en')} more below</span>}
      <span className={styles.offset}>byte {visibleFrom.toLocaleString('en')}</span>
    </div>
  );
}
