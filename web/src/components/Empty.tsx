import type { ReactNode } from 'react';
import styles from './Empty.module.css';

/** Nothing is here, and what to do about that. */
export function Empty({ children }: { children: ReactNode }) {
  return <div className={styles.empty}>{children}</div>;
}
