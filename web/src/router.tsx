import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from '@tanstack/react-router';
import { PageFault } from './components/PageFault';
import { Frame } from './Frame';
import { NotFoundPage } from './pages/NotFoundPage';
import { OverviewPage } from './pages/OverviewPage';
import { connectSearch, type TaskSearch, taskSearch, tasksSearch, workspaceSearch } from './routes';

const taskPage = () => import('./pages/TaskPage');

/** Where most people go next is here before they do. */
export function prefetchPages(): void {
  void taskPage();
}

const root = createRootRoute({ component: Frame, notFoundComponent: NotFoundPage });

const overview = createRoute({ getParentRoute: () => root, path: '/', component: OverviewPage });

const tasks = createRoute({
  getParentRoute: () => root,
  path: '/tasks',
  validateSearch: tasksSearch,
  component: lazyRouteComponent(() => import('./pages/TasksPage'), 'TasksPage'),
});

const task = createRoute({
  getParentRoute: () => root,
  path: '/tasks/$taskId',
  validateSearch: (search): TaskSearch => taskSearch(search),
  component: lazyRouteComponent(taskPage, 'TaskPage'),
});

const workspace = createRoute({
  getParentRoute: () => root,
  path: '/workspaces/$workspaceId',
  validateSearch: workspaceSearch,
  component: lazyRouteComponent(() => import('./pages/WorkspacePage'), 'WorkspacePage'),
});

const terminals = createRoute({
  getParentRoute: () => root,
  path: '/workspaces/$workspaceId/terminals',
  validateSearch: (search: Record<string, unknown>): { task?: string } =>
    typeof search.task === 'string' ? { task: search.task } : {},
  component: lazyRouteComponent(() => import('./pages/TerminalsPage'), 'TerminalsPage'),
});

const connect = createRoute({
  getParentRoute: () => root,
  path: '/connect',
  validateSearch: connectSearch,
  component: lazyRouteComponent(() => import('./pages/ConnectPage'), 'ConnectPage'),
});

const health = createRoute({
  getParentRoute: () => root,
  path: '/health',
  component: lazyRouteComponent(() => import('./pages/HealthPage'), 'HealthPage'),
});

const settings = createRoute({
  getParentRoute: () => root,
  path: '/settings',
  component: lazyRouteComponent(() => import('./pages/SettingsPage'), 'SettingsPage'),
});

const device = createRoute({
  getParentRoute: () => root,
  path: '/device',
  validateSearch: (search: Record<string, unknown>): { code?: string } =>
    typeof search.code === 'string' ? { code: search.code } : {},
  component: lazyRouteComponent(() => import('./pages/DevicePage'), 'DevicePage'),
});

export const router = createRouter({
  routeTree: root.addChildren([
    overview,
    tasks,
    task,
    workspace,
    terminals,
    connect,
    health,
    settings,
    device,
  ]),
  // What a page needs is loaded when one is about to go there.
  defaultPreload: 'intent',
  defaultErrorComponent: PageFault,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
