import { useQuery } from '@tanstack/react-query';
import { useMe } from '../../hooks/useMe';
import { useHubNow } from '../../hooks/useNow';
import { useTaskStaleSince } from '../../hooks/useTaskStaleSince';
import { formatExactTime, formatTime } from '../../live/format';
import { get } from '../../live/http';
import { isFinal } from '../../live/merge';
import type { Task } from '../../protocol/messages';
import { NotifyOffer } from '../NotifyOffer';
import { StatusChip } from '../StatusChip';
import styles from './TaskDetail.module.css';

const WATCHERS_MS = 10_000;

/** The chip, who started it when, and who else looks on. */
export function TaskSummary({ task }: { task: Task }) {
  const now = useHubNow(null);
  const isOurs = useMe().userId === task.createdBy;
  const others = useOthers(task);
  const isHeard = useTaskStaleSince(task) === null;
  const began = task.startedAt ?? task.createdAt;
  return (
    <p className={styles.summary}>
      <StatusChip task={task} />
      <span title={formatExactTime(began)}>
        {task.startedAt === null ? 'requested' : 'started'} {formatTime(began, now)}
        {isOurs && ' by you'}
      </span>
      {isHeard && others > 0 && (
        <span>· {others === 1 ? '1 other' : `${others} others`} watching</span>
      )}
      <NotifyOffer task={task} />
    </p>
  );
}

/** How many watch the output beside us. */
function useOthers({ id, status }: Task): number {
  const { data } = useQuery({
    queryKey: ['task', id, 'watching'],
    queryFn: () => get<Task>(`/api/tasks/${encodeURIComponent(id)}`),
    refetchInterval: WATCHERS_MS,
    enabled: !isFinal(status),
  });
  return isFinal(status) ? 0 : Math.max(0, (data?.watching ?? 0) - 1);
}
