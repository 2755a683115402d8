import { useInfiniteQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef } from 'react';
import { get, type Page } from '../live/http';
import { mergedTasks, type TaskFilter } from '../live/taskList';
import type { Task } from '../protocol/messages';
import { useTasks } from './useTasks';
import { useWebSocket } from './useWebSocket';

const PAGE_TASKS = 200;
const FRESH_MS = 60_000;
const EVERYTHING: TaskFilter = { workspaceId: null, status: null, text: '' };

export interface TaskListView {
  /** Those that are sought, newest first; what is heard live included. */
  readonly tasks: readonly Task[];
  /** Everything that is known, by its id, whether it is sought or not. */
  readonly known: ReadonlyMap<string, Task>;
  /** The hub has not answered yet, or is being asked for more. */
  readonly loading: boolean;
  readonly complete: boolean;
  readonly error: Error | null;
  readonly more: () => void;
  readonly retry: () => void;
}

/** A list of tasks, page by page, merged with what is heard live. */
export function useTaskList({ workspaceId, status, text }: TaskFilter): TaskListView {
  const { tasks: live } = useTasks();
  const query = useInfiniteQuery({
    queryKey: ['tasks', workspaceId, status, text],
    queryFn: ({ pageParam }) => get<Page<Task>>(address({ workspaceId, status, text }, pageParam)),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    staleTime: FRESH_MS,
    refetchOnWindowFocus: false,
  });
  const { data, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  useReconnected(refetch);
  const merged = useMemo(() => {
    const tasks = data?.pages.flatMap((page) => page.items) ?? [];
    const listed = { tasks, isComplete: data !== undefined && !hasNextPage };
    return {
      tasks: mergedTasks(listed, live, { workspaceId, status, text }),
      known: new Map(mergedTasks(listed, live, EVERYTHING).map((task) => [task.id, task])),
    };
  }, [data, hasNextPage, live, workspaceId, status, text]);
  return {
    ...merged,
    loading: query.isLoading || isFetchingNextPage,
    complete: data !== undefined && !hasNextPage,
    error: query.error,
    more: () => {
      if (hasNextPage && !isFetchingNextPage && !query.isFetchNextPageError) void fetchNextPage();
    },
    retry: () => void (query.isFetchNextPageError ? fetchNextPage() : refetch()),
  };
}

/** What changed while the hub was away was told to nobody. */
function useReconnected(effect: () => unknown): void {
  const { isLive } = useWebSocket();
  const wasAway = useRef(false);
  useEffect(() => {
    if (isLive && wasAway.current) effect();
    wasAway.current = !isLive;
  }, [isLive, effect]);
}

function address({ workspaceId, status, text }: TaskFilter, cursor: string | null): string {
  const parameters = new URLSearchParams({ limit: String(PAGE_TASKS) });
  if (workspaceId !== null) parameters.set('workspace', workspaceId);
  if (status !== null) parameters.set('status', status);
  if (text !== '') parameters.set('search', text);
  if (cursor !== null) parameters.set('cursor', cursor);
  return `/api/tasks?${parameters}`;
}
