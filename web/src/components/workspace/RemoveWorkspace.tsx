import { Button, Modal } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useAction } from '../../hooks/useAction';
import { useClient } from '../../hooks/useClient';
import { useTaskCounts } from '../../hooks/useTasks';
import type { Workspace } from '../../protocol/messages';
import { Problem } from '../Problem';
import styles from './WorkspaceDetail.module.css';

interface Props {
  workspace: Workspace;
  opened: boolean;
  onClose: () => void;
}

/** Asks before a workspace is removed, and says what goes with it. */
export function RemoveWorkspace({ workspace, opened, onClose }: Props) {
  const { directory } = useClient();
  const navigate = useNavigate();
  const action = useAction();
  const { running } = useTaskCounts(workspace.id);
  const isBusy = workspace.state === 'connected' && running > 0;
  const remove = () =>
    action.run(async () => {
      await directory.removeWorkspace(workspace.id);
      await navigate({ to: '/' });
    });
  return (
    <Modal opened={opened} onClose={onClose} title={`Remove ${workspace.name}?`}>
      <div className={styles.form}>
        <p>
          Its tasks and all their output are deleted from this hub, for good. Its machine is not let
          in any more. The folder there is not touched.
        </p>
        {isBusy && (
          <p className={styles.danger}>
            {running === 1 ? 'A task runs there. Cancel it first.' : null}
            {running > 1 ? `${running} tasks run there. Cancel them first.` : null}
          </p>
        )}
        {action.problem !== null && <Problem error={action.problem} />}
        <div className={styles.choices}>
          <Button onClick={onClose} data-autofocus>
            Keep workspace
          </Button>
          <Button className={styles.danger} disabled={action.busy || isBusy} onClick={remove}>
            Remove {workspace.name}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
