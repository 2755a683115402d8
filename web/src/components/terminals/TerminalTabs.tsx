import { Button } from '@mantine/core';
import { type KeyboardEvent, useRef } from 'react';
import { isFinal } from '../../live/merge';
import { taskName } from '../../live/oneLine';
import { statusLabel } from '../../live/words';
import type { Task } from '../../protocol/messages';
import styles from './TerminalTabs.module.css';

interface Props {
  terminals: readonly Task[];
  shown: string | undefined;
  busy: boolean;
  onChoose: (taskId: string) => void;
  onOpen: () => void;
  /** One that is over need not be shown any more. */
  onForget: (taskId: string) => void;
}

export const PANEL_ID = 'terminal-panel';

/** One tab for each terminal, and one more to come. */
export function TerminalTabs({ terminals, shown, busy, onChoose, onOpen, onForget }: Props) {
  const list = useRef<HTMLDivElement>(null);
  const onKey = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    const at = terminals.findIndex(({ id }) => id === shown);
    const next = terminals[(at + step + terminals.length) % terminals.length];
    if (step === 0 || next === undefined) return;
    event.preventDefault();
    onChoose(next.id);
    list.current?.querySelector<HTMLElement>(`[data-task="${next.id}"]`)?.focus();
  };
  return (
    <div className={styles.bar}>
      <div ref={list} className={styles.tabs} role="tablist" aria-label="Terminals">
        {terminals.map((task) => (
          <div key={task.id} className={styles.item} data-shown={task.id === shown || undefined}>
            <button
              type="button"
              role="tab"
              className={styles.tab}
              data-task={task.id}
              aria-selected={task.id === shown}
              aria-controls={PANEL_ID}
              tabIndex={task.id === shown ? 0 : -1}
              onClick={() => onChoose(task.id)}
              onKeyDown={onKey}
            >
              {taskName(task)}
              {isFinal(task.status) && <span className={styles.over}>{statusLabel(task)}</span>}
            </button>
            {isFinal(task.status) && (
              <button
                type="button"
                className={styles.close}
                aria-label={`Close ${taskName(task)}`}
                onClick={() => onForget(task.id)}
              >
                ×
              </button>
            )}
          </div>
        ))}
      </div>
      <Button size="compact-sm" disabled={busy} onClick={onOpen}>
        New terminal
      </Button>
    </div>
  );
}
