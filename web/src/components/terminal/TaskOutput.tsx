import '@xterm/xterm/css/xterm.css';
import { useEffect, useRef, useState } from 'react';
import { useClient } from '../../hooks/useClient';
import { useStore } from '../../hooks/useStore';
import { browserEnvironment } from '../../live/environment';
import { Store } from '../../live/store';
import { type Progress, TaskFeed } from '../../live/taskFeed';
import type { Task } from '../../protocol/messages';
import { OutputScreen, SCROLLBACK_LINES } from './OutputScreen';
import styles from './TaskOutput.module.css';

/** A task's output, live. Its bytes go from the link to the terminal and never through React. */
export default function TaskOutput({ task }: { task: Task }) {
  const { link } = useClient();
  const element = useRef<HTMLDivElement>(null);
  const screen = useRef<OutputScreen>(null);
  const [following, setFollowing] = useState(true);
  const [full, setFull] = useState(false);
  const [progress, setProgress] = useState<Store<Progress>>(
    () => new Store<Progress>({ start: 0, end: 0, problem: null }),
  );
  // Where to begin is decided once: the output goes on from there however the task changes.
  const opened = useRef({ id: task.id, size: task.outputSize, tty: task.tty }).current;

  useEffect(() => {
    if (element.current === null) {
      return;
    }
    const { id, size, tty } = opened;
    const shown = new OutputScreen(element.current, {
      tty,
      onFollow: setFollowing,
      onFull: setFull,
    });
    screen.current = shown;
    const feed = new TaskFeed(id, size, shown, {
      send: (message) => link.send(message),
      schedule: browserEnvironment.schedule,
    });
    setProgress(feed.progress);
    const { start } = feed.progress.get();
    if (start > 0) shown.startsAt(start);
    const unfollow = link.follow(feed);
    return () => {
      unfollow();
      feed.close();
      shown.close();
    };
  }, [link, opened]);

  return (
    <section className={styles.output} aria-label="Output">
      <div className={styles.screen} data-tty={task.tty !== null || undefined}>
        <div ref={element} className={styles.terminal} />
      </div>
      <Footer
        progress={progress}
        following={following}
        full={full}
        onFollow={() => screen.current?.follow()}
      />
    </section>
  );
}

interface FooterProps {
  progress: Store<Progress>;
  following: boolean;
  full: boolean;
  onFollow: () => void;
}

function Footer({ progress, following, full, onFollow }: FooterProps) {
  const { end, problem } = useStore(progress);
  return (
    <div className={styles.footer}>
      <button type="button" aria-pressed={following} className={styles.follow} onClick={onFollow}>
        <span className={styles.knob} aria-hidden="true" /> Follow
      </button>
      {problem !== null && (
        <span role="alert" className={styles.problem}>
          {problem}
        </span>
      )}
      {full && (
        <span className={styles.full}>
          The last {SCROLLBACK_LINES.toLocaleString('en')} lines; the download has all
        </span>
      )}
      <span className={styles.offset}>byte {end.toLocaleString('en')}</span>
    </div>
  );
}
