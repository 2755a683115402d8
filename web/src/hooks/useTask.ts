import { useEffect, useState } from 'react';
import { explain } from '../live/http';
import type { Task } from '../protocol/messages';
import { useClient } from './useClient';
import { useStore } from './useStore';

export interface TaskView {
  task: Task | undefined;
  problem: string | null;
}

export function useTask(taskId: string): TaskView {
  const { directory } = useClient();
  const task = useStore(directory.state).tasks.find((item) => item.id === taskId);
  const [asked, setAsked] = useState<{ taskId: string; problem: string | null } | null>(null);
  useEffect(() => {
    let listening = true;
    const answer = (problem: string | null) => {
      if (listening) setAsked({ taskId, problem });
    };
    directory.load(taskId).then(
      () => answer(null),
      (error) => answer(explain(error)),
    );
    return () => {
      listening = false;
    };
  }, [directory, taskId]);
  const answered = asked?.taskId === taskId ? asked : null;
  return {
    task,
    problem: answered?.problem ?? null,
  };
}
