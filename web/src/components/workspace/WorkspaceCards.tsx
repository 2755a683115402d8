import { Link } from '@tanstack/react-router';
import { useMe } from '../../hooks/useMe';
import { useRoundTrips } from '../../hooks/useRoundTrips';
import { useTaskCounts } from '../../hooks/useTasks';
import { shownName } from '../../live/whose';
import type { Workspace } from '../../protocol/messages';
import { WorkspaceDot } from '../WorkspaceDot';
import { Place } from './Place';
import { RoundTripLine } from './RoundTripLine';
import { Unreachable } from './Unreachable';
import styles from './WorkspaceCard.module.css';
import { WorkspaceNumbers } from './WorkspaceNumbers';

/** The machines, each with how it stands. */
export function WorkspaceCards({ workspaces }: { workspaces: readonly Workspace[] }) {
  const roundTrips = useRoundTrips();
  const isServed = ({ state }: Workspace) => state !== 'never_connected';
  const serving = workspaces.filter(isServed);
  const others = workspaces.filter((workspace) => !isServed(workspace));
  return (
    <ul className={styles.list}>
      {[...serving, ...others].map((workspace) => (
        <li key={workspace.id} className={styles.card}>
          <WorkspaceCard workspace={workspace} roundTrips={roundTrips.get(workspace.id) ?? []} />
        </li>
      ))}
    </ul>
  );
}

interface Props {
  workspace: Workspace;
  roundTrips: readonly (number | null)[];
}

function WorkspaceCard({ workspace, roundTrips }: Props) {
  const me = useMe();
  const { running, queued } = useTaskCounts(workspace.id);
  return (
    <>
      <h3>
        <WorkspaceDot state={workspace.state} />
        <Link
          className={styles.name}
          to="/workspaces/$workspaceId"
          params={{ workspaceId: workspace.id }}
        >
          {shownName(workspace, me)}
        </Link>
      </h3>
      <Place workspace={workspace} />
      {workspace.state === 'connected' && (
        <div className={styles.numbers}>
          <WorkspaceNumbers
            running={running}
            queued={queued}
            roundTripMs={roundTrips.findLast((value) => value !== null) ?? workspace.roundTripMs}
          />
          <RoundTripLine values={roundTrips} />
        </div>
      )}
      {workspace.attention !== null && (
        <p className={styles.unreachable}>{workspace.attention.text}</p>
      )}
      {workspace.state === 'unreachable' && (
        <Unreachable since={workspace.since} running={running} queued={queued} />
      )}
      {workspace.state === 'never_connected' && (
        <p className={styles.never}>
          Never connected.{' '}
          <Link className={styles.connect} to="/connect" search={{ workspace: workspace.id }}>
            Show how
          </Link>
        </p>
      )}
    </>
  );
}
