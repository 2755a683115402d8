import type { ReactNode } from 'react';
import { useTitle } from '../hooks/useTitle';
import styles from './PageHeader.module.css';

interface Props {
  /** The page's heading; left out where the page has one of its own. */
  title?: ReactNode;
  /** Where one is, in place of a title. */
  crumbs?: ReactNode;
  /** What can be done here, at the right. */
  children?: ReactNode;
}

/** The bar above a page. */
export function PageHeader({ title, crumbs, children }: Props) {
  useTitle(typeof title === 'string' ? title : null);
  return (
    <header className={styles.header}>
      {title === undefined ? crumbs : <h1>{title}</h1>}
      {children !== undefined && <div className={styles.actions}>{children}</div>}
    </header>
  );
}
