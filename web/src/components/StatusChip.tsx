import { useTaskStaleSince } from '../hooks/useTaskStaleSince';
import { formatExactTime, formatTime } from '../live/format';
import { hubNow } from '../live/hubClock';
import { statusDetail, statusLabel } from '../live/words';
import type { Task } from '../protocol/messages';
import styles from './StatusChip.module.css';

interface Props {
  task: Task;
  /** There is room for a word: the time of what may be out of date is on hover, and read aloud. */
  brief?: boolean;
}

export function StatusChip({ task, brief = false }: Props) {
  const staleSince = useTaskStaleSince(task);
  const detail = statusDetail(task, staleSince !== null && !brief);
  const known = staleSince === null ? null : new Date(staleSince).toISOString();
  return (
    <span
      className={styles.chip}
      data-status={task.status}
      data-stale={known !== null || undefined}
      title={known === null ? undefined : `As of ${formatExactTime(known)}`}
    >
      <span className={styles.dot} aria-hidden="true" />
      <span>
        {statusLabel(task)}
        {known !== null && (
          <span className={brief ? 'unseen' : undefined}>
            , as of {formatTime(known, hubNow())}
          </span>
        )}
      </span>
      {detail !== null && <span className={styles.detail}>{detail}</span>}
    </span>
  );
}
