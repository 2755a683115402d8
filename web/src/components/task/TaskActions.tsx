import { Button, Menu } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import type { TaskControls } from '../../hooks/useTaskControls';
import { useTaskStaleSince } from '../../hooks/useTaskStaleSince';
import { isFinal } from '../../live/merge';
import type { Task } from '../../protocol/messages';
import { PHONE } from '../breakpoints';
import { DOWNLOADS, downloadAddress } from './downloads';
import styles from './TaskActions.module.css';

interface Props {
  task: Task;
  controls: TaskControls;
  /** To the task itself, or to what is on the screen. */
  onShare: (what: 'task' | 'here') => void;
  onHelp: () => void;
}

/** What can be done with a task: the most likely in sight, all of it one press away. */
export function TaskActions({ task, controls, onShare, onHelp }: Props) {
  const isPhone = useMediaQuery(PHONE, undefined, { getInitialValueInEffect: false });
  const isAway = useTaskStaleSince(task) !== null;
  const ending = isAway ? 'Ends when it is back' : 'Ending…';
  const main = isFinal(task.status) ? (
    <Button disabled={controls.busy} onClick={controls.rerun}>
      Run again
    </Button>
  ) : (
    <Button
      className={styles.danger}
      disabled={controls.busy || task.cancelRequested}
      onClick={controls.askToCancel}
    >
      {task.cancelRequested ? ending : isPhone ? 'Cancel' : 'Cancel task'}
    </Button>
  );
  if (isPhone) {
    return (
      <div className={styles.actions}>
        {main}
        <Menu width={260}>
          <Menu.Target>
            <Button aria-label="More actions" px={10}>
              ⋯
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <ShareItems onShare={onShare} />
            <Menu.Divider />
            <RunItems task={task} controls={controls} />
            <Menu.Divider />
            <DownloadItems task={task} />
          </Menu.Dropdown>
        </Menu>
      </div>
    );
  }
  return (
    <div className={styles.actions}>
      <Button className={styles.keys} size="xs" onClick={onHelp}>
        <kbd>?</kbd> shortcuts
      </Button>
      <Menu width={240}>
        <Menu.Target>
          <Button>Share</Button>
        </Menu.Target>
        <Menu.Dropdown>
          <ShareItems onShare={onShare} />
        </Menu.Dropdown>
      </Menu>
      <Menu width={300}>
        <Menu.Target>
          <Button>Download</Button>
        </Menu.Target>
        <Menu.Dropdown>
          <DownloadItems task={task} />
        </Menu.Dropdown>
      </Menu>
      {!isFinal(task.status) && (
        <Menu width={200}>
          <Menu.Target>
            <Button aria-label="More actions" px={10}>
              ⋯
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <RunItems task={task} controls={controls} />
          </Menu.Dropdown>
        </Menu>
      )}
      {main}
    </div>
  );
}

function ShareItems({ onShare }: Pick<Props, 'onShare'>) {
  return (
    <>
      <Menu.Item onClick={() => onShare('task')}>Copy a link to the task</Menu.Item>
      <Menu.Item onClick={() => onShare('here')} rightSection={<kbd>c</kbd>}>
        Copy a link to here
      </Menu.Item>
    </>
  );
}

function RunItems({ task, controls }: { task: Task; controls: TaskControls }) {
  return (
    <Menu.Item disabled={controls.busy} onClick={controls.rerun}>
      {isFinal(task.status) ? 'Run again' : 'Start another run'}
    </Menu.Item>
  );
}

function DownloadItems({ task }: { task: Task }) {
  return (
    <>
      <Menu.Label>Download the output</Menu.Label>
      {DOWNLOADS.map(({ format, label, hint }) => (
        <Menu.Item key={format} component="a" href={downloadAddress(task.id, format)} download>
          {label}
          <span className={styles.hint}>{hint}</span>
        </Menu.Item>
      ))}
    </>
  );
}
