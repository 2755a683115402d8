import { Button, Modal } from '@mantine/core';
import { DEFAULT_GRACE_SECONDS, type Task } from '../../protocol/messages';
import styles from './CancelDialog.module.css';

interface Props {
  task: Task;
  opened: boolean;
  onClose: () => void;
  onCancel: () => void;
}

/** Asks before a task is ended, and says what will happen. */
export default function CancelDialog({ task, opened, onClose, onCancel }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title="Cancel this task?">
      <p>
        {task.status === 'pending'
          ? 'It has not started, and will not.'
          : `The command and everything it started are asked to stop; what is still there after ${DEFAULT_GRACE_SECONDS} seconds is killed. The output up to then is kept.`}
      </p>
      <div className={styles.choices}>
        <Button onClick={onClose}>Keep it</Button>
        <Button className={styles.danger} onClick={onCancel} data-autofocus>
          Cancel task
        </Button>
      </div>
    </Modal>
  );
}
