import { Button } from '@mantine/core';
import { useState } from 'react';
import { useAction } from '../hooks/useAction';
import { useClient } from '../hooks/useClient';
import type { Workspace } from '../protocol/messages';
import styles from './ConnectMachine.module.css';
import { Copyable } from './Copyable';

/** How to connect a machine: the exact command, with a code for this workspace once asked for. */
export function ConnectMachine({ workspace }: { workspace?: Workspace }) {
  const { directory } = useClient();
  const [code, setCode] = useState('CODE');
  const action = useAction();
  const command = `arbor daemon --hub ${location.origin} --code ${code}`;
  if (workspace === undefined) {
    return (
      <div className={styles.connect}>
        <p>
          No machine is connected yet. <code>arbor enroll NAME</code> prints a code; then run this
          in the folder to work in, on the machine that has it:
        </p>
        <Copyable text={command} />
      </div>
    );
  }
  const ask = () =>
    action.run(async () => setCode((await directory.enrollmentCode(workspace.id)).code));
  return (
    <div className={styles.connect}>
      <p>Never connected. Run this in its folder, on that machine:</p>
      <Copyable text={command} />
      {code === 'CODE' ? (
        <Button disabled={action.busy} onClick={ask}>
          Get a code
        </Button>
      ) : (
        <p>The code works once, for ten minutes.</p>
      )}
      {action.problem !== null && (
        <p role="alert" className="problem">
          {action.problem}
        </p>
      )}
    </div>
  );
}
