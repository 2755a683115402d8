import { Link } from '@tanstack/react-router';
import type { Workspace } from '../protocol/messages';
import styles from './WorkspaceCrumbs.module.css';

/** Where one is within a workspace. */
export function WorkspaceCrumbs(props: { workspace: Workspace | undefined; here: string }) {
  const { workspace, here } = props;
  return (
    <nav className={styles.crumbs} aria-label="Where you are">
      {workspace === undefined ? (
        <Link to="/">Overview</Link>
      ) : (
        <Link to="/workspaces/$workspaceId" params={{ workspaceId: workspace.id }}>
          {workspace.name}
        </Link>
      )}
      <span aria-hidden="true">/</span>
      <span className={styles.here} aria-current="page">
        {here}
      </span>
    </nav>
  );
}
