import { Link } from '@tanstack/react-router';
import { useNow } from '../hooks/useNow';
import { formatDuration, formatExactTime, formatSize } from '../live/format';
import { commandLine, elapsed } from '../live/words';
import type { Task, Workspace } from '../protocol/messages';
import { StatusChip } from './StatusChip';
import styles from './TaskList.module.css';

interface Props {
  tasks: readonly Task[];
  workspaces: readonly Workspace[];
}

export function TaskList({ tasks, workspaces }: Props) {
  const names = new Map(workspaces.map(({ id, name }) => [id, name]));
  const now = useNow(tasks.some((task) => task.status === 'running') ? 1000 : null);
  return (
    <ul className={styles.list}>
      {tasks.map((task) => (
        <li key={task.id}>
          <TaskRow task={task} workspace={names.get(task.workspaceId)} now={now} />
        </li>
      ))}
    </ul>
  );
}

function TaskRow(props: { task: Task; workspace: string | undefined; now: number }) {
  const { task, workspace, now } = props;
  const seconds = elapsed(task, now);
  return (
    <Link className={styles.row} to="/tasks/$taskId" params={{ taskId: task.id }}>
      <span className={styles.status}>
        <StatusChip task={task} />
      </span>
      <span className={styles.command}>{task.title ?? commandLine(task)}</span>
      <span className={styles.workspace}>{workspace}</span>
      <span className={styles.size}>{task.outputSize > 0 && formatSize(task.outputSize)}</span>
      <span className={styles.time} title={formatExactTime(task.createdAt)}>
        {seconds !== null && formatDuration(seconds)}
      </span>
    </Link>
  );
}
