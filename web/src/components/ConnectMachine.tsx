import { Button, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useAction } from '../hooks/useAction';
import { useClient } from '../hooks/useClient';
import { useMe } from '../hooks/useMe';
import { isOwn, shownName } from '../live/whose';
import { mayPrepareMachines } from '../live/words';
import type { Workspace } from '../protocol/messages';
import { ButtonLink } from './ButtonLink';
import styles from './ConnectMachine.module.css';
import { EnrollmentCode } from './connect/EnrollmentCode';
import { Reconnect } from './connect/Reconnect';
import { Problem } from './Problem';

/** How a machine is connected to a workspace; says so once it is. */
export function ConnectMachine({ workspace }: { workspace: Workspace }) {
  const me = useMe();
  if (workspace.state === 'connected') return <Connected workspace={workspace} />;
  if (workspace.daemonId === null) {
    return (
      <>
        {!isOwn(workspace, me) && (
          <p className={styles.about} role="alert">
            This is {shownName(workspace, me)}. A machine that is connected to it runs what that
            account wants.
          </p>
        )}
        <EnrollmentCode workspace={workspace} />
      </>
    );
  }
  return <Reconnect workspace={workspace} daemonId={workspace.daemonId} />;
}

function Connected({ workspace }: { workspace: Workspace }) {
  const { id, name, host, path } = workspace;
  return (
    <div className={styles.connected} role="status">
      <p>
        <strong>{name} is connected</strong>
        {host !== null && `: ${host}`}
        {path !== null && (
          <>
            , <code>{path}</code>
          </>
        )}
      </p>
      <ButtonLink variant="filled" to="/workspaces/$workspaceId" params={{ workspaceId: id }}>
        Open it
      </ButtonLink>
    </div>
  );
}

/** Makes a workspace for a machine that comes next. */
export function NewMachine({ onMade }: { onMade: (workspace: Workspace) => void }) {
  const { directory } = useClient();
  const action = useAction();
  const [name, setName] = useState('');
  if (!mayPrepareMachines(useMe())) {
    return <p>You may not add machines to this hub. Ask one of its owners for a code.</p>;
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    action.run(async () => onMade(await directory.createWorkspace(name.trim())));
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <TextInput
        className={styles.name ?? ''}
        label="Name of the machine or the folder"
        description="As you want to see it here; it can be changed later"
        placeholder="gpu-box"
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        required
        withAsterisk={false}
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <Button type="submit" variant="filled" disabled={name.trim() === '' || action.busy}>
        Show the command
      </Button>
      {action.problem !== null && <Problem error={action.problem} />}
    </form>
  );
}

/** Where a hub begins: no machine was ever connected to it. */
export function FirstMachine({ workspaces }: { workspaces: readonly Workspace[] }) {
  const [made, setMade] = useState<string | null>(null);
  const workspace = workspaces.find(({ id }) => id === made) ?? workspaces[0];
  return (
    <section className={styles.first} aria-labelledby="first-machine">
      <h2 id="first-machine">Connect your first machine</h2>
      <p className={styles.about}>
        Arbor runs commands in a folder on a machine of yours. That machine connects to this hub by
        itself, from behind any firewall; nothing has to be opened on it.
      </p>
      {workspace === undefined ? (
        <NewMachine onMade={({ id }) => setMade(id)} />
      ) : (
        <ConnectMachine workspace={workspace} />
      )}
    </section>
  );
}
