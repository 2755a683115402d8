import { useMemo, useState } from 'react';
import { type Held, heldRows, type Rows } from '../live/taskList';
import type { TaskListView } from './useTaskList';

/** The rows to show; while one reads them they stay where they are. */
export function useHeldRows({ tasks, known }: TaskListView, isReading: boolean): Rows {
  const [held, setHeld] = useState<Held | null>(null);
  if (!isReading && held !== null) setHeld(null);
  const newest = tasks[0];
  if (isReading && held === null && newest !== undefined) {
    setHeld({ ids: new Set(tasks.map(({ id }) => id)), newest: newest.id });
  }
  const kept = isReading ? held : null;
  return useMemo(() => heldRows(tasks, kept, known), [tasks, kept, known]);
}
