import { useNow } from '../hooks/useNow';
import { formatAge, formatExactTime } from '../live/format';

const MINUTE_MS = 60_000;

/** How long ago, coarsely; exact on hover. */
export function Since({ time }: { time: string }) {
  const now = useNow(MINUTE_MS);
  return (
    <time dateTime={time} title={formatExactTime(time)}>
      {formatAge((now - Date.parse(time)) / 1000)}
    </time>
  );
}
