import type { ReactNode } from 'react';
import { useAction } from '../hooks/useAction';
import { useClient } from '../hooks/useClient';
import { OVERVIEW, useRoute } from '../hooks/useRoute';
import { useRunning } from '../hooks/useTasks';
import { useWebSocket } from '../hooks/useWebSocket';
import { useWorkspaces } from '../hooks/useWorkspaces';
import { ConnectionIndicator } from './ConnectionIndicator';
import { Logo } from './Logo';
import styles from './Shell.module.css';
import { WorkspaceDot } from './WorkspaceDot';

/** The rail on the left, or above on a phone, and the page beside it. */
export function Shell({ username, children }: { username: string; children: ReactNode }) {
  const { session } = useClient();
  const { workspaces } = useWorkspaces();
  const running = useRunning();
  const { page } = useRoute();
  const { state } = useWebSocket();
  const action = useAction();
  return (
    <div className={styles.shell}>
      <nav className={styles.rail} aria-label="Arbor">
        <a className={styles.brand} href={OVERVIEW}>
          <Logo /> Arbor
        </a>
        <a
          className={styles.entry}
          href={OVERVIEW}
          aria-current={page === 'overview' ? 'page' : undefined}
        >
          Overview
        </a>
        {workspaces.length > 0 && (
          <div className={styles.workspaces}>
            <h2>Workspaces</h2>
            <ul>
              {workspaces.map((workspace) => (
                <li key={workspace.id} className={styles.workspace}>
                  <WorkspaceDot state={workspace.state} />
                  <span className={styles.name}>{workspace.name}</span>
                  <span className={styles.count}>{running.get(workspace.id)}</span>
                </li>
              ))}
            </ul>
          </div>
        )}
        <div className={styles.foot}>
          <ConnectionIndicator />
          {state.kind !== 'waiting' && (
            <button
              type="button"
              className="quiet"
              title={`Signed in as ${username}`}
              disabled={action.busy}
              onClick={() => action.run(() => session.signOut())}
            >
              Sign out
            </button>
          )}
        </div>
      </nav>
      <div className={styles.page}>{children}</div>
    </div>
  );
}
