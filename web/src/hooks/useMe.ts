import type { Principal } from '../protocol/messages';
import { useClient } from './useClient';
import { useStore } from './useStore';

/** Who is signed in; for pages, which are shown to nobody else. */
export function useMe(): Principal {
  const session = useStore(useClient().session.state);
  if (session.kind !== 'signedIn') {
    throw new Error('useMe needs somebody who is signed in');
  }
  return session.me;
}
