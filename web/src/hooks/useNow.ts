import { useEffect, useState } from 'react';
import { hubNow } from '../live/hubClock';

/** The time in milliseconds, as often as it is looked at; null interval: it stands still. */
export function useNow(intervalMs: number | null): number {
  return useClock(Date.now, intervalMs);
}

/** As `useNow`, by the hub's clock: what times of tasks and workspaces are compared with. */
export function useHubNow(intervalMs: number | null): number {
  return useClock(hubNow, intervalMs);
}

function useClock(clock: () => number, intervalMs: number | null): number {
  const [now, setNow] = useState(clock);
  useEffect(() => {
    if (intervalMs === null) {
      return;
    }
    setNow(clock());
    const timer = setInterval(() => setNow(clock()), intervalMs);
    return () => clearInterval(timer);
  }, [clock, intervalMs]);
  return now;
}
