import { Shell } from './components/Shell';
import { useClient } from './hooks/useClient';
import { useRoute } from './hooks/useRoute';
import { useStore } from './hooks/useStore';
import { OverviewPage } from './pages/OverviewPage';
import { SignInPage } from './pages/SignInPage';
import { TaskPage } from './pages/TaskPage';

export function App() {
  const session = useStore(useClient().session.state);
  const route = useRoute();
  switch (session.kind) {
    case 'asking':
      return null;
    case 'unreachable':
      return <p className="alone">The hub cannot be reached. Trying again until it answers.</p>;
    case 'signedOut':
      return <SignInPage notice={session.notice} />;
    case 'signedIn':
      return (
        <Shell username={session.me.username}>
          {route.page === 'task' ? (
            <TaskPage key={route.taskId} taskId={route.taskId} />
          ) : (
            <OverviewPage />
          )}
        </Shell>
      );
  }
}
