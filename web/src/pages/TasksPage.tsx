import { getRouteApi } from '@tanstack/react-router';
import { PageHeader } from '../components/PageHeader';
import { TaskBrowser } from '../components/tasks/TaskBrowser';
import { tasksSearch } from '../routes';
import styles from './TasksPage.module.css';

const route = getRouteApi('/tasks');

export function TasksPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <>
      <PageHeader title="Tasks" />
      <main className={styles.content}>
        <TaskBrowser
          workspaceId={null}
          search={search}
          onSearch={(change) =>
            void navigate({
              search: (before) => tasksSearch({ ...before, ...change }),
              replace: true,
            })
          }
        />
      </main>
    </>
  );
}
