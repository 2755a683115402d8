import { Button, Modal } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useNavigate } from '@tanstack/react-router';
import { useAction } from '../hooks/useAction';
import { useClient } from '../hooks/useClient';
import { isFinal } from '../live/merge';
import { DEFAULT_GRACE_SECONDS, type Task } from '../protocol/messages';
import styles from './TaskActions.module.css';

export function TaskActions({ task }: { task: Task }) {
  const { directory } = useClient();
  const navigate = useNavigate();
  const [asking, question] = useDisclosure(false);
  const action = useAction();
  const cancel = () => {
    question.close();
    action.run(() => directory.cancel(task.id));
  };
  const rerun = () =>
    action.run(async () => {
      const { id } = await directory.rerun(task.id);
      await navigate({ to: '/tasks/$taskId', params: { taskId: id } });
    });
  return (
    <div className={styles.actions}>
      {action.problem !== null && (
        <p role="alert" className={styles.problem}>
          {action.problem}
        </p>
      )}
      <Button
        component="a"
        href={`/api/tasks/${encodeURIComponent(task.id)}/output?download=1`}
        download
      >
        Download
      </Button>
      <Button disabled={action.busy} onClick={rerun}>
        Run again
      </Button>
      {!isFinal(task.status) && (
        <Button
          className={styles.danger}
          disabled={action.busy || task.cancelRequested}
          onClick={question.open}
        >
          Cancel
        </Button>
      )}
      <Modal opened={asking} onClose={question.close} title="Cancel this task?">
        <p>
          The command and everything it started are asked to stop; what is still there after{' '}
          {DEFAULT_GRACE_SECONDS} seconds is killed. The output up to then is kept.
        </p>
        <div className={styles.choices}>
          <Button onClick={question.close}>Keep running</Button>
          <Button className={styles.danger} onClick={cancel} data-autofocus>
            Cancel task
          </Button>
        </div>
      </Modal>
    </div>
  );
}
