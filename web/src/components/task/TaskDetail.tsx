import { Link } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { useNow } from '../hooks/useNow';
import { formatExactTime, formatTime } from '../live/format';
import { commandLine, explainEnd } from '../live/words';
import type { Task, Workspace } from '../protocol/messages';
import { StatusChip } from './StatusChip';
import { TaskActions } from './TaskActions';
import styles from './TaskDetail.module.css';
import { TaskFacts } from './TaskFacts';

const TaskOutput = lazy(() => import('./terminal/TaskOutput'));

interface Props {
  task: Task;
  workspace: Workspace | undefined;
  /** The output's size is known well enough to show its end. */
  current: boolean;
}

export function TaskDetail({ task, workspace, current }: Props) {
  const now = useNow(null);
  const explanation = explainEnd(task);
  const began = task.startedAt ?? task.createdAt;
  return (
    <div className={styles.page}>
      <header className="bar">
        <nav className={styles.crumbs} aria-label="Where you are">
          <Link to="/">{workspace?.name ?? 'Overview'}</Link>
          <span aria-hidden="true">/</span>
          <span className={styles.here}>{task.title ?? task.id}</span>
        </nav>
        <TaskActions task={task} />
      </header>
      <div className={styles.head}>
        <h1>{commandLine(task)}</h1>
        <p className={styles.summary}>
          <StatusChip task={task} />
          <span title={formatExactTime(began)}>
            {task.startedAt === null ? 'asked for' : 'started'} {formatTime(began, now)}
          </span>
        </p>
        {explanation !== null && <p className={styles.explanation}>{explanation}</p>}
        {task.status !== 'pending' || workspace?.state === 'connected' ? null : (
          <p className={styles.explanation}>
            Waiting for {workspace?.name ?? 'its workspace'} to connect.
          </p>
        )}
      </div>
      <TaskFacts task={task} workspace={workspace} />
      <Suspense fallback={<div className={styles.output} />}>
        {current ? <TaskOutput task={task} /> : <div className={styles.output} />}
      </Suspense>
    </div>
  );
}
