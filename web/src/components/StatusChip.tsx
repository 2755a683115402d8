import { statusDetail, statusLabel } from '../live/words';
import type { Task } from '../protocol/messages';
import styles from './StatusChip.module.css';

export function StatusChip({ task }: { task: Task }) {
  const detail = statusDetail(task);
  return (
    <span className={styles.chip} data-status={task.status}>
      <span className={styles.dot} aria-hidden="true" />
      {statusLabel(task)}
      {detail !== null && <span className={styles.detail}>{detail}</span>}
    </span>
  );
}
