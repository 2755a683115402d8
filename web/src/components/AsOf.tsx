import { useStaleSince } from '../hooks/useWorkspaces';
import { formatExactTime, formatTime } from '../live/format';
import { hubNow } from '../live/hubClock';
import styles from './AsOf.module.css';

/** Of when what is shown is, while the page hears nothing; nothing while it is as it is now. */
export function AsOf() {
  const staleSince = useStaleSince();
  return staleSince === null ? null : <AsOfTime since={staleSince} />;
}

/** `as of 13:13`; `since` in milliseconds as `hubNow()`. */
export function AsOfTime({ since }: { since: number }) {
  const time = new Date(since).toISOString();
  return (
    <time className={styles.asOf} dateTime={time} title={formatExactTime(time)}>
      as of {formatTime(time, hubNow())}
    </time>
  );
}
