import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { get, type Page, patch, post, remove } from '../live/http';
import type { CreatedUser, NewUser, User, UserChanges } from '../protocol/messages';

export interface UserChange {
  id: string;
  change: UserChanges;
}

const USERS = ['users'];

/** All accounts; for owners. */
export function useUsers() {
  return useQuery({
    queryKey: USERS,
    queryFn: async () => (await get<Page<User>>('/api/users')).items,
  });
}

/** Adding, changing and removing accounts; everybody may change their own password. */
export function useUserActions() {
  const queries = useQueryClient();
  const onSuccess = () => queries.invalidateQueries({ queryKey: USERS });
  return {
    add: useMutation({
      mutationFn: (user: NewUser) => post<CreatedUser>('/api/users', user),
      onSuccess,
    }),
    change: useMutation({
      mutationFn: ({ id, change }: UserChange) => patch<User>(userPath(id), change),
      onSuccess,
    }),
    remove: useMutation({ mutationFn: (id: string) => remove(userPath(id)), onSuccess }),
  };
}

function userPath(id: string): string {
  return `/api/users/${encodeURIComponent(id)}`;
}
