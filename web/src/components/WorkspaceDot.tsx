import type { Workspace } from '../protocol/messages';
import styles from './WorkspaceDot.module.css';

const WORDS: Record<Workspace['state'], string> = {
  connected: 'connected',
  unreachable: 'unreachable',
  never_connected: 'never connected',
};

export function WorkspaceDot({ state }: { state: Workspace['state'] }) {
  return <span className={styles.dot} data-state={state} role="img" aria-label={WORDS[state]} />;
}
