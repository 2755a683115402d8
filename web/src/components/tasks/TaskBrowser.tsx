import { useMemo } from 'react';
import { useMe } from '../../hooks/useMe';
import { useOutputSizes } from '../../hooks/useOutputSizes';
import { useTaskList } from '../../hooks/useTaskList';
import { useStaleSince, useWorkspaces } from '../../hooks/useWorkspaces';
import { shownName } from '../../live/whose';
import type { TasksSearch } from '../../routes';
import { Problem } from '../Problem';
import { NoTasksFound, NoTasksYet } from './NoTasks';
import styles from './TaskBrowser.module.css';
import { TaskFilter } from './TaskFilter';
import { TaskRows } from './TaskRows';

interface Props {
  /** Null: of all of them. */
  workspaceId: string | null;
  search: TasksSearch;
  /** Undefined takes a part of the search away. */
  onSearch: (change: { [Name in keyof TasksSearch]: TasksSearch[Name] | undefined }) => void;
}

/** All tasks there are, to look through. */
export function TaskBrowser({ workspaceId, search, onSearch }: Props) {
  const me = useMe();
  const { workspaces } = useWorkspaces();
  const { status = null, text = '' } = search;
  const view = useTaskList({ workspaceId, status, text });
  const isStale = useStaleSince() !== null;
  useOutputSizes();
  const names = useMemo(
    () => new Map(workspaces.map((workspace) => [workspace.id, shownName(workspace, me)])),
    [workspaces, me],
  );
  const isEmpty = view.tasks.length === 0;
  return (
    <div className={styles.browser}>
      <TaskFilter search={search} onSearch={onSearch} />
      {view.error !== null && <Problem error={view.error} onRetry={view.retry} />}
      {isEmpty &&
        view.complete &&
        (status === null && text === '' ? (
          <NoTasksYet workspace={workspaces.find(({ id }) => id === workspaceId)} />
        ) : (
          <NoTasksFound onClear={() => onSearch({ status: undefined, text: undefined })} />
        ))}
      {!isEmpty && (
        <div className={isStale ? 'stale' : undefined}>
          <TaskRows
            key={`${workspaceId} ${status} ${text}`}
            view={view}
            names={workspaceId === null ? names : null}
          />
        </div>
      )}
      {view.loading && (
        <p className={styles.loading}>Looking for {isEmpty ? '' : 'older '}tasks…</p>
      )}
    </div>
  );
}
