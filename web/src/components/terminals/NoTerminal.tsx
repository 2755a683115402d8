import { Button } from '@mantine/core';
import type { Workspace } from '../../protocol/messages';
import styles from './NoTerminal.module.css';

interface Props {
  workspace: Workspace | undefined;
  busy: boolean;
  onOpen: () => void;
}

/** No terminal is open, and how to have one. */
export function NoTerminal({ workspace, busy, onOpen }: Props) {
  const isConnected = workspace?.state === 'connected';
  return (
    <div className={styles.empty}>
      <p>
        {isConnected
          ? 'No terminal is open here. A terminal keeps running when you close this page, until you end it.'
          : 'This machine is not connected now. A terminal can be opened when it is back.'}
      </p>
      <Button variant="filled" disabled={busy || !isConnected} onClick={onOpen}>
        Open a terminal
      </Button>
      <p className={styles.hint}>
        The same from another terminal: <code>arbor run --tty -w {workspace?.name} -- bash</code>
      </p>
    </div>
  );
}
