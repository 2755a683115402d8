import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { get, type Page, post, remove } from '../live/http';
import type { CreatedToken, NewToken, Token } from '../protocol/messages';

const TOKENS = ['tokens'];

/** One's API tokens, and how to make and revoke them. */
export function useTokens() {
  const queries = useQueryClient();
  const onSuccess = () => queries.invalidateQueries({ queryKey: TOKENS });
  return {
    tokens: useQuery({
      queryKey: TOKENS,
      queryFn: async () => (await get<Page<Token>>('/api/tokens')).items,
    }),
    create: useMutation({
      mutationFn: (token: NewToken) => post<CreatedToken>('/api/tokens', token),
      onSuccess,
    }),
    revoke: useMutation({
      mutationFn: (id: string) => remove(`/api/tokens/${encodeURIComponent(id)}`),
      onSuccess,
    }),
  };
}
