import { useMe } from '../../hooks/useMe';
import { ownFirst, shownName } from '../../live/whose';
import type { Workspace } from '../../protocol/messages';
import { WorkspaceDot } from '../WorkspaceDot';
import styles from './CommandBar.module.css';

interface Props {
  chosen: Workspace;
  workspaces: readonly Workspace[];
  onPick: (workspaceId: string) => void;
}

/** Where it will run. */
export function WorkspacePicker({ chosen, workspaces, onPick }: Props) {
  const me = useMe();
  return (
    <span className={styles.picker}>
      <WorkspaceDot state={chosen.state} />
      <select
        aria-label="Workspace"
        value={chosen.id}
        onChange={(event) => onPick(event.target.value)}
      >
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
