import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useMe } from '../hooks/useMe';
import { shownName } from '../live/whose';
import type { Workspace } from '../protocol/messages';
import styles from './WorkspaceCrumbs.module.css';

interface Props {
  workspace: Workspace | undefined;
  /** A link to what stands between; on a phone there is only room for the links then. */
  through?: ReactNode;
  here: string;
}

/** Where one is within a workspace. */
export function WorkspaceCrumbs({ workspace, through, here }: Props) {
  const me = useMe();
  return (
    <nav
      className={styles.crumbs}
      data-long={through !== undefined || undefined}
      aria-label="Where you are"
    >
      {workspace === undefined ? (
        <Link to="/">Overview</Link>
      ) : (
        <Link to="/workspaces/$workspaceId" params={{ workspaceId: workspace.id }}>
          {shownName(workspace, me)}
        </Link>
      )}
      <span aria-hidden="true">/</span>
      {through}
      {through !== undefined && <span aria-hidden="true">/</span>}
      <span className={styles.here} aria-current="page">
        {here}
      </span>
    </nav>
  );
}
