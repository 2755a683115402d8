import { useRef } from 'react';
import { useAction } from '../hooks/useAction';
import { useClient } from '../hooks/useClient';
import { taskAddress } from '../hooks/useRoute';
import { isFinal } from '../live/merge';
import { DEFAULT_GRACE_SECONDS, type Task } from '../protocol/messages';
import styles from './TaskActions.module.css';

export function TaskActions({ task }: { task: Task }) {
  const { directory } = useClient();
  const dialog = useRef<HTMLDialogElement>(null);
  const action = useAction();
  const cancel = () => {
    dialog.current?.close();
    action.run(() => directory.cancel(task.id));
  };
  const rerun = () =>
    action.run(async () => {
      location.hash = taskAddress((await directory.rerun(task.id)).id);
    });
  return (
    <div className={styles.actions}>
      {action.problem !== null && (
        <p role="alert" className={styles.problem}>
          {action.problem}
        </p>
      )}
      <a
        className={`button ${styles.download}`}
        href={`/api/tasks/${encodeURIComponent(task.id)}/output?download=1`}
        download
      >
        Download
      </a>
      <button type="button" disabled={action.busy} onClick={rerun}>
        Run again
      </button>
      {!isFinal(task.status) && (
        <button
          type="button"
          className="danger"
          disabled={action.busy || task.cancelRequested}
          onClick={() => dialog.current?.showModal()}
        >
          Cancel
        </button>
      )}
      <dialog ref={dialog} className={styles.dialog} aria-labelledby="cancel-title">
        <h2 id="cancel-title">Cancel this task?</h2>
        <p>
          The command and everything it started are asked to stop; what is still there after{' '}
          {DEFAULT_GRACE_SECONDS} seconds is killed. The output up to then is kept.
        </p>
        <div className={styles.choices}>
          <button type="button" onClick={() => dialog.current?.close()}>
            Keep running
          </button>
          <button type="button" className="danger" onClick={cancel}>
            Cancel task
          </button>
        </div>
      </dialog>
    </div>
  );
}
