import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import type { Client } from '../live/client';
import { ApiError } from '../live/http';
import { SESSION_ENDED } from '../live/session';

const MAX_RETRIES = 2;
const FRESH_MS = 5_000;

/** What the hub said over HTTP and how long it is believed. */
export function createQueryClient(client: Client): QueryClient {
  const onError = (error: Error) => {
    if (error instanceof ApiError && error.status === 401) {
      client.session.end(SESSION_ENDED);
    }
  };
  const queries = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: { queries: { retry: mayPass, staleTime: FRESH_MS } },
  });
  client.session.state.subscribe(() => {
    // The next one to sign in here may be somebody else.
    if (client.session.state.get().kind === 'signedOut') queries.clear();
  });
  return queries;
}

/** A hub that restarts answers a moment later; one that refuses goes on refusing. */
function mayPass(failures: number, error: Error): boolean {
  const passes = !(error instanceof ApiError) || error.status === 0 || error.status >= 500;
  return passes && failures < MAX_RETRIES;
}
