import { Link } from '@tanstack/react-router';
import { useMe } from '../hooks/useMe';
import { useRunning } from '../hooks/useTasks';
import { useStaleSince, useWorkspaces } from '../hooks/useWorkspaces';
import { shownName } from '../live/whose';
import { isOwner } from '../live/words';
import type { Principal, Workspace } from '../protocol/messages';
import { AsOf } from './AsOf';
import styles from './Navigation.module.css';
import { Since } from './Since';
import { WorkspaceDot } from './WorkspaceDot';

interface Props {
  me: Principal;
  /** Somewhere was gone to. */
  onGo?: () => void;
}

/** The pages, then the workspaces with their state and what runs there. */
export function Navigation({ me, onGo }: Props) {
  const running = useRunning();
  const isStale = useStaleSince() !== null;
  const total = [...running.values()].reduce((sum, count) => sum + count, 0);
  return (
    <nav className={styles.navigation} aria-label="Arbor" onClickCapture={onGo}>
      <Link className={styles.entry} to="/" activeOptions={{ exact: true }}>
        Overview
      </Link>
      <Link className={styles.entry} to="/tasks" activeOptions={{ exact: true }}>
        Tasks
        {total > 0 && (
          <span className={isStale ? `${styles.count} stale` : styles.count}>{total} running</span>
        )}
      </Link>
      {isOwner(me) && (
        <Link className={styles.entry} to="/health">
          Health
        </Link>
      )}
      <Workspaces running={running} />
    </nav>
  );
}

/** The workspaces alone. */
export function Workspaces({ running }: { running: ReadonlyMap<string, number> }) {
  const me = useMe();
  const { workspaces, loaded } = useWorkspaces();
  const isStale = useStaleSince() !== null;
  return (
    <section className={styles.workspaces} aria-labelledby="rail-workspaces">
      <h2 id="rail-workspaces">
        Workspaces <AsOf />
      </h2>
      <ul className={isStale ? 'stale' : undefined}>
        {workspaces.map((workspace) => (
          <li key={workspace.id}>
            <Link
              className={styles.entry}
              to="/workspaces/$workspaceId"
              params={{ workspaceId: workspace.id }}
            >
              <WorkspaceDot state={workspace.state} />
              <span className={styles.name}>{shownName(workspace, me)}</span>
              <Aside workspace={workspace} running={running.get(workspace.id)} />
            </Link>
          </li>
        ))}
        {loaded && (
          <li>
            <Link className={styles.entry} to="/connect">
              <WorkspaceDot state="never_connected" decorative />
              <span className={styles.name}>new machine…</span>
            </Link>
          </li>
        )}
      </ul>
    </section>
  );
}

function Aside({ workspace, running }: { workspace: Workspace; running: number | undefined }) {
  if (workspace.state === 'unreachable' && workspace.since !== null) {
    return (
      <span className={styles.count}>
        <Since time={workspace.since} ago />
      </span>
    );
  }
  return <span className={styles.count}>{running}</span>;
}
