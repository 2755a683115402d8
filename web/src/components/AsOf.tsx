import { useStaleSince } from '../hooks/useWorkspaces';
import { formatExactTime, formatTime } from '../live/format';
import styles from './AsOf.module.css';

/** Of when what is shown is, while nothing is heard live; nothing while it is as it is now. */
export function AsOf() {
  const staleSince = useStaleSince();
  if (staleSince === null) return null;
  const time = new Date(staleSince).toISOString();
  return (
    <time className={styles.asOf} dateTime={time} title={formatExactTime(time)}>
      as of {formatTime(time, Date.now())}
    </time>
  );
}
