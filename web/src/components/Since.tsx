import { useHubNow } from '../hooks/useNow';
import { formatAge, formatAgo, formatExactTime } from '../live/format';

const MINUTE_MS = 60_000;

interface Props {
  time: string;
  /** It is part of a sentence. */
  ago?: boolean;
}

/** How long ago, coarsely; exact on hover. */
export function Since({ time, ago = false }: Props) {
  const seconds = (useHubNow(MINUTE_MS) - Date.parse(time)) / 1000;
  return (
    <time dateTime={time} title={formatExactTime(time)}>
      {ago ? formatAgo(seconds) : formatAge(seconds)}
    </time>
  );
}
