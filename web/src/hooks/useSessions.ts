import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { get, type Page, post, remove } from '../live/http';
import type { BrowserSession, SignInLink } from '../protocol/messages';

const SESSIONS = ['sessions'];

/** The browsers in which one is signed in, and how to end and begin such sessions. */
export function useSessions() {
  const queries = useQueryClient();
  return {
    sessions: useQuery({
      queryKey: SESSIONS,
      queryFn: async () => (await get<Page<BrowserSession>>('/api/sessions')).items,
    }),
    end: useMutation({
      mutationFn: (id: string) => remove(`/api/sessions/${encodeURIComponent(id)}`),
      onSuccess: () => queries.invalidateQueries({ queryKey: SESSIONS }),
    }),
    createLink: useMutation({ mutationFn: () => post<SignInLink>('/api/session/link') }),
  };
}
