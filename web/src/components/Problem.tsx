import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { explain } from '../live/http';
import styles from './Problem.module.css';

interface Props {
  /** What was thrown, or words. */
  error: unknown;
  onRetry?: (() => void) | undefined;
  children?: ReactNode;
}

/** What went wrong, and what can be done. */
export function Problem({ error, onRetry, children }: Props) {
  return (
    <div role="alert" className={styles.problem}>
      <p>{explain(error)}</p>
      {children}
      {onRetry !== undefined && (
        <Button size="xs" onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}
