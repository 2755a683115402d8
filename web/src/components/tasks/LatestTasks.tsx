import { useMe } from '../../hooks/useMe';
import { isFinal } from '../../live/merge';
import { shownName } from '../../live/whose';
import type { Task, Workspace } from '../../protocol/messages';
import { TaskRow } from './TaskRow';
import styles from './TaskRows.module.css';

const SHOWN_TASKS = 12;
const SHOWN_UNFINISHED_TASKS = 24;

interface Props {
  tasks: readonly Task[];
  workspaces: readonly Workspace[];
}

/** What runs, and what ran last. */
export function LatestTasks({ tasks, workspaces }: Props) {
  const me = useMe();
  const names = new Map(workspaces.map((workspace) => [workspace.id, shownName(workspace, me)]));
  const unfinished = tasks
    .filter(({ status }) => !isFinal(status))
    .slice(0, SHOWN_UNFINISHED_TASKS);
  const room = Math.max(0, SHOWN_TASKS - unfinished.length);
  const ended = tasks.filter(({ status }) => isFinal(status)).slice(0, room);
  const shown = new Set([...unfinished, ...ended]);
  return (
    <ul className={styles.list} aria-label="Latest tasks">
      {tasks
        .filter((task) => shown.has(task))
        .map((task) => (
          <li key={task.id} className={styles.item}>
            <TaskRow task={task} workspace={names.get(task.workspaceId) ?? ''} />
          </li>
        ))}
    </ul>
  );
}
