import { useState } from 'react';

/** Whether it is so or was so once: what was opened stays, to be closed with grace. */
export function useEver(condition: boolean): boolean {
  const [ever, setEver] = useState(condition);
  if (condition && !ever) setEver(true);
  return condition || ever;
}
