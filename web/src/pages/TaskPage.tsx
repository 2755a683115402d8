import { TaskDetail } from '../components/TaskDetail';
import { OVERVIEW } from '../hooks/useRoute';
import { useTask } from '../hooks/useTask';
import { useWorkspaces } from '../hooks/useWorkspaces';

export function TaskPage({ taskId }: { taskId: string }) {
  const { task, current, problem } = useTask(taskId);
  const { workspaces } = useWorkspaces();
  if (task !== undefined) {
    const workspace = workspaces.find((item) => item.id === task.workspaceId);
    return <TaskDetail task={task} workspace={workspace} current={current} />;
  }
  return (
    <>
      <header className="bar">
        <h1>Task</h1>
      </header>
      {problem !== null && (
        <main className="alone">
          <p role="alert">{problem}</p>
          <a href={OVERVIEW}>Back to the overview</a>
        </main>
      )}
    </>
  );
}
