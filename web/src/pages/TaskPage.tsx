import { getRouteApi, Link } from '@tanstack/react-router';
import { PageHeader } from '../components/PageHeader';
import { TaskDetail } from '../components/task/TaskDetail';
import { useTask } from '../hooks/useTask';
import { useWorkspaces } from '../hooks/useWorkspaces';

const route = getRouteApi('/tasks/$taskId');

export function TaskPage() {
  const { taskId } = route.useParams();
  const { at = null } = route.useSearch();
  const { task, problem } = useTask(taskId);
  const { workspaces } = useWorkspaces();
  if (task !== undefined) {
    const workspace = workspaces.find((item) => item.id === task.workspaceId);
    return <TaskDetail key={`${taskId} ${at}`} task={task} workspace={workspace} startAt={at} />;
  }
  return (
    <>
      <PageHeader title="Task" />
      {problem !== null && (
        <main className="alone">
          <p role="alert">{problem}</p>
          <Link to="/">Back to the overview</Link>
        </main>
      )}
    </>
  );
}
