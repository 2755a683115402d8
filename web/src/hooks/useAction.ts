import { useState } from 'react';
import { explain } from '../live/http';

export interface Action {
  busy: boolean;
  problem: string | null;
  run: (work: () => Promise<unknown>) => void;
}

/** Something the user asked for: whether it is under way, and why it did not work. */
export function useAction(): Action {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const run = (work: () => Promise<unknown>) => {
    setBusy(true);
    setProblem(null);
    work()
      .catch((error) => setProblem(explain(error)))
      .finally(() => setBusy(false));
  };
  return { busy, problem, run };
}
