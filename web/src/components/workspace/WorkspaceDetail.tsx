import { Link } from '@tanstack/react-router';
import { useMe } from '../../hooks/useMe';
import { useTaskById } from '../../hooks/useTaskById';
import { draftOf } from '../../live/commandDraft';
import { shownName } from '../../live/whose';
import { mayOperate, mayPrepareMachines } from '../../live/words';
import type { Workspace } from '../../protocol/messages';
import type { TasksSearch, WorkspaceSearch } from '../../routes';
import { CommandBar } from '../command/CommandBar';
import { PageHeader } from '../PageHeader';
import { TaskBrowser } from '../tasks/TaskBrowser';
import { WorkspaceDot } from '../WorkspaceDot';
import styles from './WorkspaceDetail.module.css';
import { WorkspaceFacts } from './WorkspaceFacts';
import { WorkspaceMenu } from './WorkspaceMenu';

interface Props {
  workspace: Workspace;
  search: WorkspaceSearch;
  onSearch: (change: { [Name in keyof TasksSearch]: TasksSearch[Name] | undefined }) => void;
}

/** One workspace: how it stands, its command bar and its tasks. */
export function WorkspaceDetail({ workspace, search, onSearch }: Props) {
  const me = useMe();
  const edited = useTaskById(search.edit);
  const name = shownName(workspace, me);
  return (
    <>
      <PageHeader
        title={
          <span className={styles.title}>
            <WorkspaceDot state={workspace.state} />
            <span className={styles.name}>{name}</span>
          </span>
        }
      >
        <nav className={styles.tabs} aria-label={`Of ${name}`}>
          <Link
            to="/workspaces/$workspaceId"
            params={{ workspaceId: workspace.id }}
            activeOptions={{ exact: true, includeSearch: false }}
          >
            Tasks
          </Link>
          <Link to="/workspaces/$workspaceId/terminals" params={{ workspaceId: workspace.id }}>
            Terminals
          </Link>
        </nav>
        {mayPrepareMachines(me) && <WorkspaceMenu workspace={workspace} />}
      </PageHeader>
      <main className={styles.content}>
        <WorkspaceFacts workspace={workspace} />
        {mayOperate(me) && (search.edit === undefined || edited !== undefined) && (
          <CommandBar
            key={edited?.id}
            workspace={workspace}
            // A link may name any task; what runs here begins with what ran here.
            initial={edited?.workspaceId === workspace.id ? draftOf(edited) : null}
          />
        )}
        <TaskBrowser workspaceId={workspace.id} search={search} onSearch={onSearch} />
      </main>
    </>
  );
}
