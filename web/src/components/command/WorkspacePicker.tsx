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
  return (
    <span className={styles.picker}>
      <WorkspaceDot state={chosen.state} />
      <select
        aria-label="Workspace"
        value={chosen.id}
        onChange={(event) => onPick(event.target.value)}
      >
        {workspaces.map(({ id, name, state }) => (
          <option key={id} value={id}>
            {state === 'connected' ? name : `${name} (not connected)`}
          </option>
        ))}
      </select>
    </span>
  );
}
