import { type FocusEvent, type KeyboardEvent, useEffect, useRef, useState } from 'react';
import type { Task } from '../protocol/messages';

const PAGE_ROWS = 10;

export interface RowKeys {
  /** The task that Tab stops at; null: the first in sight. */
  active: string | null;
  isFocused: boolean;
  onKeyDown: (event: KeyboardEvent<HTMLElement>) => void;
  onFocus: (event: FocusEvent<HTMLElement>) => void;
  onBlur: (event: FocusEvent<HTMLElement>) => void;
}

/** The arrows go from row to row of a list of which only a part is there. */
export function useRowKeys(tasks: readonly Task[], show: (index: number) => void): RowKeys {
  const [active, setActive] = useState<string | null>(null);
  const [isFocused, setFocused] = useState(false);
  const wanted = useRef<{ list: HTMLElement; id: string } | null>(null);
  useEffect(() => {
    const { list, id } = wanted.current ?? {};
    const link = list?.querySelector<HTMLElement>(`[data-task="${id}"]`);
    if (link) {
      wanted.current = null;
      link.focus({ preventScroll: true });
    }
  });
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const from = rowOf(event.target);
    if (from === null || event.ctrlKey || event.metaKey || event.altKey) return;
    const index = tasks.findIndex(({ id }) => id === from);
    const target = targetOf(event.key, index, tasks.length - 1);
    const task = target === null ? undefined : tasks[target];
    if (target === null || task === undefined) return;
    event.preventDefault();
    wanted.current = { list: event.currentTarget, id: task.id };
    setActive(task.id);
    show(target);
  };
  return {
    active,
    isFocused,
    onKeyDown,
    onFocus: (event) => {
      const id = rowOf(event.target);
      if (id === null) return;
      setActive(id);
      setFocused(true);
    },
    onBlur: ({ currentTarget, relatedTarget }) => {
      if (!currentTarget.contains(relatedTarget)) setFocused(false);
    },
  };
}

function rowOf(target: EventTarget): string | null {
  const { task, menu } = target instanceof HTMLElement ? target.dataset : {};
  return task ?? menu ?? null;
}

function targetOf(key: string, index: number, last: number): number | null {
  const clamp = (target: number) => Math.max(0, Math.min(last, target));
  switch (key) {
    case 'ArrowDown':
      return clamp(index + 1);
    case 'ArrowUp':
      return clamp(index - 1);
    case 'PageDown':
      return clamp(index + PAGE_ROWS);
    case 'PageUp':
      return clamp(index - PAGE_ROWS);
    case 'Home':
      return 0;
    case 'End':
      return last;
    default:
      return null;
  }
}
