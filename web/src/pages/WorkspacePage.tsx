import { getRouteApi, Link } from '@tanstack/react-router';
import { PageHeader } from '../components/PageHeader';
import { WorkspaceDetail } from '../components/workspace/WorkspaceDetail';
import { useWorkspaces } from '../hooks/useWorkspaces';
import { workspaceSearch } from '../routes';

const route = getRouteApi('/workspaces/$workspaceId');

export function WorkspacePage() {
  const { workspaceId } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { workspaces, loaded } = useWorkspaces();
  const workspace = workspaces.find(({ id }) => id === workspaceId);
  if (workspace !== undefined) {
    return (
      <WorkspaceDetail
        key={workspaceId}
        workspace={workspace}
        search={search}
        onSearch={(change) =>
          void navigate({
            search: (before) => workspaceSearch({ ...before, ...change }),
            replace: true,
          })
        }
      />
    );
  }
  return (
    <>
      <PageHeader title="Workspace" />
      {loaded && (
        <main className="alone">
          <p role="alert">There is no such workspace, or it is not yours to see.</p>
          <Link to="/">Back to the overview</Link>
        </main>
      )}
    </>
  );
}
