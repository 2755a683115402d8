import { useMe } from '../../hooks/useMe';
import { ownFirst, shownName } from '../../live/whose';
import type { Workspace } from '../../protocol/messages';
import { WorkspaceDot } from '../WorkspaceDot';
import styles from './CommandBar.module.css';

interface Props {
  /** Null: the one that was chosen is gone. */
  chosen: Workspace | null;
  workspaces: readonly Workspace[];
  onPick: (workspace: Workspace) => void;
}

/** Where it will run. */
export function WorkspacePicker({ chosen, workspaces, onPick }: Props) {
  const me = useMe();
  const pick = (workspaceId: string) => {
    const picked = workspaces.find(({ id }) => id === workspaceId);
    if (picked !== undefined) onPick(picked);
  };
  return (
    <span className={styles.picker}>
      <WorkspaceDot state={chosen?.state ?? 'never_connected'} decorative={chosen === null} />
      <select
        aria-label="Workspace"
        value={chosen?.id ?? ''}
        onChange={(event) => pick(event.target.value)}
      >
        {chosen === null && <option value="">Pick a machine</option>}
        {ownFirst(workspaces, me).map((workspace) => (
          <option key={workspace.id} value={workspace.id}>
            {shownName(workspace, me)}
            {workspace.state !== 'connected' && ' (not connected)'}
          </option>
        ))}
      </select>
    </span>
  );
}
