import { Button, Modal } from '@mantine/core';
import { useWorkspaces } from '../../hooks/useWorkspaces';
import { hubNow } from '../../live/hubClock';
import { endsWhenBack, unreachableSentence } from '../../live/words';
import { DEFAULT_GRACE_SECONDS, type Task, type Workspace } from '../../protocol/messages';
import styles from './CancelDialog.module.css';

interface Props {
  task: Task;
  opened: boolean;
  onClose: () => void;
  onCancel: () => void;
}

/** Asks before a task is ended, and says what will happen. */
export default function CancelDialog({ task, opened, onClose, onCancel }: Props) {
  const { workspaces } = useWorkspaces();
  const workspace = workspaces.find(({ id }) => id === task.workspaceId);
  return (
    <Modal opened={opened} onClose={onClose} title="Cancel this task?">
      <p>{consequence(task, workspace)}</p>
      <div className={styles.choices}>
        <Button onClick={onClose}>
          {task.status === 'pending' ? 'Keep waiting' : 'Keep running'}
        </Button>
        <Button className={styles.danger} onClick={onCancel} data-autofocus>
          Cancel task
        </Button>
      </div>
    </Modal>
  );
}

/** What will happen; on a machine that is away nothing does until it is back. */
function consequence(task: Task, workspace: Workspace | undefined): string {
  if (task.status === 'pending') return 'It has not started, and will not.';
  const kept = 'The output up to then is kept.';
  if (workspace?.state === 'unreachable') {
    const away = unreachableSentence(workspace, hubNow());
    return `${away} ${endsWhenBack(workspace.name)} Until then the command goes on there. ${kept}`;
  }
  return `The command and everything it started are asked to stop; what is still there after ${DEFAULT_GRACE_SECONDS} seconds is killed. ${kept}`;
}
