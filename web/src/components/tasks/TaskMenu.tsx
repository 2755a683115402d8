import { Menu } from '@mantine/core';
import { showNotification } from '@mantine/notifications';
import { useNavigate } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useState } from 'react';
import { useAction } from '../../hooks/useAction';
import { useMe } from '../../hooks/useMe';
import { useTaskControls } from '../../hooks/useTaskControls';
import { copyCommand } from '../../live/copyCommand';
import { isFinal } from '../../live/merge';
import { mayOperate } from '../../live/words';
import type { Task } from '../../protocol/messages';
import { DOWNLOADS, downloadAddress } from '../task/downloads';
import { TaskMenuTarget } from './TaskMenuButton';

const CancelDialog = lazy(() => import('../task/CancelDialog'));

interface Props {
  task: Task;
  tabIndex: number;
}

/** What can be done with a task without going to it. It is opened as soon as it is there. */
export default function TaskMenu({ task, tabIndex }: Props) {
  const navigate = useNavigate();
  const controls = useTaskControls(task);
  const { problem: copyProblem, run: copy } = useAction();
  const operates = mayOperate(useMe());
  const [opened, setOpened] = useState(true);
  const problem = controls.problem ?? copyProblem;
  useEffect(() => {
    if (problem !== null) {
      showNotification({ color: 'red', title: 'That did not work', message: problem });
    }
  }, [problem]);
  const edit = () =>
    void navigate({
      to: '/workspaces/$workspaceId',
      params: { workspaceId: task.workspaceId },
      search: { edit: task.id },
    });
  return (
    <>
      <Menu opened={opened} onChange={setOpened} width={240}>
        <Menu.Target>
          <TaskMenuTarget task={task} tabIndex={tabIndex} />
        </Menu.Target>
        <Menu.Dropdown>
          {operates && (
            <>
              <Menu.Item disabled={controls.busy} onClick={controls.rerun}>
                {isFinal(task.status) ? 'Run again' : 'Start another run'}
              </Menu.Item>
              <Menu.Item onClick={edit}>Edit and run…</Menu.Item>
            </>
          )}
          {navigator.clipboard !== undefined && (
            <Menu.Item onClick={() => copy(() => copyCommand(task))}>Copy the command</Menu.Item>
          )}
          {operates && !isFinal(task.status) && (
            <Menu.Item
              color="var(--red)"
              disabled={controls.busy || task.cancelRequested}
              onClick={controls.askToCancel}
            >
              Cancel…
            </Menu.Item>
          )}
          <Menu.Divider />
          <Menu.Label>Download the output</Menu.Label>
          {DOWNLOADS.map(({ format, label }) => (
            <Menu.Item key={format} component="a" href={downloadAddress(task.id, format)} download>
              {label}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <Suspense>
        {controls.asking && (
          <CancelDialog task={task} opened onClose={controls.keep} onCancel={controls.cancel} />
        )}
      </Suspense>
    </>
  );
}
