import { useQuery } from '@tanstack/react-query';
import { get } from '../live/http';
import type { Task } from '../protocol/messages';
import { useTasks } from './useTasks';

/** A task with all that was asked for, which never changes; undefined until it is known. */
export function useTaskById(taskId: string | undefined): Task | undefined {
  const { tasks } = useTasks();
  const known = tasks.find(({ id, isCut }) => id === taskId && !isCut);
  const { data } = useQuery({
    queryKey: ['task', taskId],
    queryFn: () => get<Task>(`/api/tasks/${encodeURIComponent(taskId ?? '')}`),
    enabled: taskId !== undefined && known === undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return known ?? data;
}
