import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import type { Client } from '../live/client';
import { ApiError } from '../live/http';
import { mayPass, retryDelayMs } from '../live/retrying';
import { SESSION_ENDED } from '../live/session';

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
    defaultOptions: {
      queries: {
        // Offline is a failure that is shown, not a pause without a word.
        networkMode: 'always',
        refetchOnReconnect: true,
        retry: (failures, error) => navigator.onLine && mayPass(failures, error),
        retryDelay: retryDelayMs,
        staleTime: FRESH_MS,
      },
      mutations: { networkMode: 'always' },
    },
  });
  client.session.state.subscribe(() => {
    // The next one to sign in here may be somebody else.
    if (client.session.state.get().kind === 'signedOut') queries.clear();
  });
  return queries;
}
