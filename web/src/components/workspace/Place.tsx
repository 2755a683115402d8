import type { Workspace } from '../../protocol/messages';
import styles from './WorkspaceCard.module.css';

/** Where a workspace is: `Debian 12 · ~/runs/vit`. */
export function Place({ workspace }: { workspace: Workspace }) {
  const { name, host, platform, path } = workspace;
  const machine = host === name ? platform : host;
  if (machine === null && path === null) return null;
  return (
    <p className={styles.place} title={[host, platform, path].filter(Boolean).join(' · ')}>
      {machine}
      {machine !== null && path !== null && ' · '}
      <code>{path}</code>
    </p>
  );
}
