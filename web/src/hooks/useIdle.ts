import { useEffect, useState } from 'react';
import { whenIdle } from '../live/idle';

/** True once the first view is there and the browser has time for what nobody waits for. */
export function useIdle(): boolean {
  const [idle, setIdle] = useState(false);
  useEffect(() => whenIdle(() => setIdle(true)), []);
  return idle;
}
