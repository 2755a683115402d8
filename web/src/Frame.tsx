import { Outlet } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { Shell } from './components/Shell';
import { Unreachable } from './components/signin/Unreachable';
import { useClient } from './hooks/useClient';
import { useStore } from './hooks/useStore';

const SignInPage = lazy(() =>
  import('./pages/SignInPage').then((module) => ({ default: module.SignInPage })),
);

/** Signing in comes before every page, and leaves the address as it is. */
export function Frame() {
  const session = useStore(useClient().session.state);
  switch (session.kind) {
    case 'asking':
      return null;
    case 'unreachable':
      return <Unreachable until={session.until} busy={session.busy} />;
    case 'signedOut':
      return (
        <Suspense>
          <SignInPage notice={session.notice} />
        </Suspense>
      );
    case 'signedIn':
      return (
        <Shell me={session.me}>
          <Suspense>
            <Outlet />
          </Suspense>
        </Shell>
      );
  }
}
