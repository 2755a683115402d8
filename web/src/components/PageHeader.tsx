import type { ReactNode } from 'react';
import styles from './PageHeader.module.css';

interface Props {
  title: ReactNode;
  /** What can be done here, at the right. */
  children?: ReactNode;
}

/** The bar above a page. */
export function PageHeader({ title, children }: Props) {
  return (
    <header className={styles.header}>
      <h1>{title}</h1>
      {children !== undefined && <div className={styles.actions}>{children}</div>}
    </header>
  );
}
