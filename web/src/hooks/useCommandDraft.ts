import { useState } from 'react';
import { type Draft, EMPTY_DRAFT } from '../live/commandDraft';
import type { PastCommand } from '../live/commandHistory';

export interface CommandDraft {
  draft: Draft;
  change: (change: Partial<Draft>) => void;
  /** A step into the past (1) or back (-1); false: there is nothing. */
  recall: (step: 1 | -1) => boolean;
}

/** What is being typed; earlier commands can be looked through without losing it. */
export function useCommandDraft(initial: Draft | null, past: readonly PastCommand[]): CommandDraft {
  const [draft, setDraft] = useState(initial ?? EMPTY_DRAFT);
  const [recalled, setRecalled] = useState(-1);
  const [unsent, setUnsent] = useState({ line: '', shell: false });
  const recall = (step: 1 | -1) => {
    const next = recalled + step;
    const command = next === -1 ? unsent : past[next];
    if (next < -1 || command === undefined) return false;
    if (recalled === -1) setUnsent({ line: draft.line, shell: draft.shell });
    setRecalled(next);
    setDraft({ ...draft, line: command.line, shell: command.shell });
    return true;
  };
  const change = (changes: Partial<Draft>) => {
    if (changes.line !== undefined) setRecalled(-1);
    setDraft({ ...draft, ...changes });
  };
  return { draft, change, recall };
}
