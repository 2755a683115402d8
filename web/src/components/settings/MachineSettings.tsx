import { Button, Modal } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Link } from '@tanstack/react-router';
import { useDaemon, useRemoveDaemon } from '../../hooks/useDaemon';
import { useMe } from '../../hooks/useMe';
import { useWorkspaces } from '../../hooks/useWorkspaces';
import { formatExactTime, formatTime } from '../../live/format';
import { hubNow } from '../../live/hubClock';
import { shownName } from '../../live/whose';
import type { Workspace } from '../../protocol/messages';
import { ConnectMachine } from '../ConnectMachine';
import { Empty } from '../Empty';
import { Problem } from '../Problem';
import { Since } from '../Since';
import { WorkspaceDot } from '../WorkspaceDot';
import { ConfirmButton } from './ConfirmButton';
import { Entry, Section } from './Section';

/** The workspaces, and the daemons that serve them. */
export function MachineSettings() {
  const { workspaces, loaded, problem } = useWorkspaces();
  return (
    <Section
      title="Machines"
      about="Each workspace is a folder on a machine, served there by a daemon."
      action={
        <Button component={Link} to="/connect">
          Connect a machine
        </Button>
      }
    >
      {problem !== null && <Problem error={problem} />}
      {loaded && workspaces.length === 0 && (
        <Empty>
          <p>No machine is connected yet.</p>
        </Empty>
      )}
      <ul>
        {workspaces.map((workspace) => (
          <MachineEntry key={workspace.id} workspace={workspace} />
        ))}
      </ul>
    </Section>
  );
}

function MachineEntry({ workspace }: { workspace: Workspace }) {
  const { id, state, host, path, version, daemonId } = workspace;
  const me = useMe();
  const daemon = version === null ? null : `daemon ${version}`;
  return (
    <Entry
      name={
        <>
          <WorkspaceDot state={state} />
          <Link to="/workspaces/$workspaceId" params={{ workspaceId: id }}>
            {shownName(workspace, me)}
          </Link>
        </>
      }
      details={
        <>
          {[host, path, daemon].filter((part) => part !== null).join(' · ') || 'no daemon yet'}
          {daemonId !== null && <DaemonFacts daemonId={daemonId} state={state} />}
        </>
      }
    >
      {daemonId === null ? (
        <NewCode workspace={workspace} />
      ) : (
        <RemoveDaemon workspace={workspace} daemonId={daemonId} />
      )}
    </Entry>
  );
}

function DaemonFacts({ daemonId, state }: { daemonId: string; state: Workspace['state'] }) {
  const { data } = useDaemon(daemonId, state);
  if (data === undefined) {
    return null;
  }
  return (
    <>
      {' · '}
      <time dateTime={data.createdAt} title={formatExactTime(data.createdAt)}>
        admitted {formatTime(data.createdAt, hubNow())}
      </time>
      {!data.connected && data.lastSeenAt !== null && (
        <>
          {' · last seen '}
          <Since time={data.lastSeenAt} ago />
        </>
      )}
    </>
  );
}

function NewCode({ workspace }: { workspace: Workspace }) {
  const [opened, { open, close }] = useDisclosure(false);
  const name = shownName(workspace, useMe());
  return (
    <>
      <Button size="xs" aria-label={`Get a code for ${name}`} onClick={open}>
        Get a code
      </Button>
      <Modal opened={opened} onClose={close} title={`Connect ${name}`} size="lg">
        <ConnectMachine workspace={workspace} />
      </Modal>
    </>
  );
}

function RemoveDaemon({ workspace, daemonId }: { workspace: Workspace; daemonId: string }) {
  const { runningTasks } = workspace;
  const name = shownName(workspace, useMe());
  const { mutateAsync } = useRemoveDaemon();
  return (
    <ConfirmButton
      label="Remove daemon"
      name={`Remove the daemon of ${name}`}
      question={`Remove the daemon of ${name}?`}
      confirm="Remove it"
      onConfirm={() => mutateAsync(daemonId)}
    >
      That machine is disconnected and cannot come back without a new code. The workspace stays,
      with its tasks and the output that has arrived; the folder is not touched.
      {runningTasks > 0 &&
        ` ${runningTasks === 1 ? 'One task that runs' : `${runningTasks} tasks that run`} there will be called lost.`}
    </ConfirmButton>
  );
}
