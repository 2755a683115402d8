import { Drawer, UnstyledButton } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useClient } from '../hooks/useClient';
import { useRunning } from '../hooks/useTasks';
import { isOwner } from '../live/words';
import type { Principal } from '../protocol/messages';
import { ConnectionIndicator } from './ConnectionIndicator';
import { Workspaces } from './Navigation';
import { palette } from './Palette';
import styles from './Tabs.module.css';

/** A phone's navigation, under the page where the thumbs are. */
export function Tabs({ me }: { me: Principal }) {
  const [sheet, setSheet] = useState<'machines' | 'more' | null>(null);
  const running = useRunning();
  const close = () => setSheet(null);
  return (
    <>
      <nav className={styles.tabs} aria-label="Arbor">
        <Link className={styles.tab} to="/" activeOptions={{ exact: true }}>
          Overview
        </Link>
        <Link className={styles.tab} to="/tasks">
          Tasks
        </Link>
        <UnstyledButton className={styles.tab} onClick={() => setSheet('machines')}>
          Machines
        </UnstyledButton>
        <UnstyledButton className={styles.tab} onClick={() => setSheet('more')}>
          More
        </UnstyledButton>
      </nav>
      <Drawer
        opened={sheet !== null}
        onClose={close}
        position="bottom"
        size="auto"
        title={sheet === 'more' ? 'More' : 'Machines'}
      >
        {/* biome-ignore lint/a11y/noStaticElementInteractions lint/a11y/useKeyWithClickEvents: any link or button inside closes it */}
        <div onClick={close}>
          {sheet === 'more' ? <More me={me} /> : <Workspaces running={running} />}
        </div>
      </Drawer>
    </>
  );
}

function More({ me }: { me: Principal }) {
  const { session } = useClient();
  return (
    <div className={styles.more}>
      <div className={styles.state}>
        <ConnectionIndicator />
        <span>{me.username}</span>
      </div>
      {isOwner(me) && <Link to="/health">Health</Link>}
      <Link to="/settings">Settings</Link>
      <UnstyledButton onClick={palette.open}>Go to or do anything</UnstyledButton>
      <UnstyledButton onClick={() => void session.signOut()}>Sign out</UnstyledButton>
    </div>
  );
}
