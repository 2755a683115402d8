import { useStaleSince } from '../hooks/useWorkspaces';
import type { Workspace } from '../protocol/messages';
import styles from './WorkspaceDot.module.css';

const WORDS: Record<Workspace['state'], string> = {
  connected: 'connected',
  unreachable: 'unreachable',
  never_connected: 'never connected',
};

interface Props {
  state: Workspace['state'];
  /** It stands for nothing that words do not say beside it. */
  decorative?: boolean;
}

export function WorkspaceDot({ state, decorative = false }: Props) {
  const isStale = useStaleSince() !== null;
  const label = isStale ? `${WORDS[state]}, out of date` : WORDS[state];
  const spoken = decorative ? { 'aria-hidden': true } : { role: 'img', 'aria-label': label };
  return (
    <span className={styles.dot} data-state={state} data-stale={isStale || undefined} {...spoken} />
  );
}
