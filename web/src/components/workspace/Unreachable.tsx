import { useHubNow } from '../../hooks/useNow';
import { formatExactTime, formatTime } from '../../live/format';
import { believedRunning } from '../../live/words';
import styles from './WorkspaceCard.module.css';

interface Props {
  since: string | null;
  running: number;
  queued: number;
}

/** A machine that cannot be reached, and what that means for what runs there. */
export function Unreachable({ since, running, queued }: Props) {
  const now = useHubNow(null);
  return (
    <p className={styles.unreachable} title={since === null ? undefined : formatExactTime(since)}>
      Unreachable{since !== null && ` since ${formatTime(since, now)}`}. {believedRunning(running)}
      {queued > 0 && ` ${queued === 1 ? 'One more starts' : `${queued} more start`} then.`}
    </p>
  );
}
