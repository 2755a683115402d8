import { Link } from '@tanstack/react-router';
import { memo } from 'react';
import { useHubNow } from '../../hooks/useNow';
import { useTaskStaleSince } from '../../hooks/useTaskStaleSince';
import { formatDuration, formatExactTime, formatSize } from '../../live/format';
import { taskName } from '../../live/oneLine';
import { commandLine, elapsed } from '../../live/words';
import type { Task } from '../../protocol/messages';
import { Since } from '../Since';
import { StatusChip } from '../StatusChip';
import { TaskMenuButton } from './TaskMenuButton';
import styles from './TaskRow.module.css';

interface Props {
  task: Task;
  /** The name of its workspace; null where all are of one. */
  workspace: string | null;
  /** Among the rows, this is the one that Tab stops at. */
  isStop?: boolean;
}

/** A task in a list: a link to it, and what can be done with it from here. */
export const TaskRow = memo(function TaskRow({ task, workspace, isStop = true }: Props) {
  const tabIndex = isStop ? 0 : -1;
  const name = taskName(task);
  const line = commandLine(task);
  return (
    <>
      <Link
        className={styles.row}
        to="/tasks/$taskId"
        params={{ taskId: task.id }}
        tabIndex={tabIndex}
        data-task={task.id}
        data-alone={workspace === null || undefined}
      >
        <span className={styles.status}>
          <StatusChip task={task} brief />
        </span>
        <span
          className={styles.command}
          title={task.title === null && name === line ? undefined : line}
        >
          {name}
        </span>
        {workspace !== null && <span className={styles.workspace}>{workspace}</span>}
        <span className={styles.size}>{task.outputSize > 0 && formatSize(task.outputSize)}</span>
        <Elapsed task={task} />
        <span className={styles.age}>
          <Since time={task.createdAt} />
        </span>
      </Link>
      <TaskMenuButton task={task} tabIndex={tabIndex} />
    </>
  );
});

function Elapsed({ task }: { task: Task }) {
  const staleSince = useTaskStaleSince(task);
  const now = useHubNow(task.status === 'running' && staleSince === null ? 1000 : null);
  const seconds = elapsed(task, staleSince ?? now);
  return (
    <span className={styles.time} title={task.startedAt === null ? undefined : started(task)}>
      {seconds !== null && formatDuration(seconds)}
    </span>
  );
}

function started({ startedAt, finishedAt }: Task): string {
  const began = `Started ${formatExactTime(startedAt ?? '')}`;
  return finishedAt === null ? began : `${began}, ended ${formatExactTime(finishedAt)}`;
}
