import { useDisclosure } from '@mantine/hooks';
import { showNotification } from '@mantine/notifications';
import { useNavigate } from '@tanstack/react-router';
import { ApiError } from '../live/http';
import { isFinal } from '../live/merge';
import type { Task } from '../protocol/messages';
import { useAction } from './useAction';
import { useClient } from './useClient';

const FORGOTTEN = 'variables_forgotten';
const WHY_FORGOTTEN = 'The hub keeps their values only for a while after the end of a task.';

const EMPTY_INPUT = {
  title: 'It runs with an empty input',
  message: 'What was sent to the first one as its input is not kept.',
};

export interface TaskControls {
  busy: boolean;
  problem: string | null;
  /** The question before cancelling is shown. */
  asking: boolean;
  askToCancel: () => void;
  keep: () => void;
  cancel: () => void;
  /** The same command once more; goes to the new task, or to where variables are entered again. */
  rerun: () => void;
}

/** Ending a task and running it again. */
export function useTaskControls(task: Task): TaskControls {
  const { directory } = useClient();
  const navigate = useNavigate();
  const [asking, question] = useDisclosure(false);
  const { busy, problem, run } = useAction();
  return {
    busy,
    problem,
    asking,
    askToCancel: () => {
      if (!isFinal(task.status)) question.open();
    },
    keep: question.close,
    cancel: () => {
      question.close();
      run(() => directory.cancel(task.id));
    },
    rerun: () =>
      run(async () => {
        try {
          const { id, stdin } = await directory.rerun(task.id);
          if (task.stdin === 'open' && stdin === 'empty') showNotification(EMPTY_INPUT);
          await navigate({ to: '/tasks/$taskId', params: { taskId: id } });
        } catch (error) {
          if (!(error instanceof ApiError) || error.code !== FORGOTTEN) throw error;
          showNotification({ title: 'Enter the variables again', message: WHY_FORGOTTEN });
          await navigate({
            to: '/workspaces/$workspaceId',
            params: { workspaceId: task.workspaceId },
            search: { edit: task.id },
          });
        }
      }),
  };
}
