import { Drawer, UnstyledButton } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useClient } from '../hooks/useClient';
import { useRunning } from '../hooks/useTasks';
import { isOwner } from '../live/words';
import type { Principal } from '../protocol/messages';
import { ConnectionIndicator } from './ConnectionIndicator';
import { Workspaces } from './Navigation';
import { palette } from './openPalette';
import styles from './Tabs.module.css';

export type SheetName = 'machines' | 'more';

interface Props {
  me: Principal;
  /** Null: closed. */
  shown: SheetName | null;
  onClose: () => void;
}

/** What a phone's tabs have no room for, from below. */
export default function PhoneSheet({ me, shown, onClose }: Props) {
  return (
    <Drawer
      opened={shown !== null}
      onClose={onClose}
      position="bottom"
      size="auto"
      title={shown === 'more' ? 'More' : 'Machines'}
    >
      {/* biome-ignore lint/a11y/noStaticElementInteractions lint/a11y/useKeyWithClickEvents: any link or button inside closes it */}
      <div onClick={onClose}>{shown === 'more' ? <More me={me} /> : <Machines />}</div>
    </Drawer>
  );
}

function Machines() {
  return <Workspaces running={useRunning()} />;
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
