import { UnstyledButton } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { Suspense, useState } from 'react';
import { useEver } from '../hooks/useEver';
import type { Principal } from '../protocol/messages';
import { LaterPhoneSheet } from './Later';
import type { SheetName } from './PhoneSheet';
import styles from './Tabs.module.css';

/** A phone's navigation, under the page where the thumbs are. */
export function Tabs({ me }: { me: Principal }) {
  const [sheet, setSheet] = useState<SheetName | null>(null);
  const hasSheet = useEver(sheet !== null);
  return (
    <>
      <nav className={styles.tabs} aria-label="Arbor">
        <Link className={styles.tab} to="/" activeOptions={{ exact: true }}>
          Overview
        </Link>
        <Link className={styles.tab} to="/tasks">
          Tasks
        </Link>
        <UnstyledButton
          className={styles.tab}
          aria-haspopup="dialog"
          onClick={() => setSheet('machines')}
        >
          Machines
        </UnstyledButton>
        <UnstyledButton
          className={styles.tab}
          aria-haspopup="dialog"
          onClick={() => setSheet('more')}
        >
          More
        </UnstyledButton>
      </nav>
      {hasSheet && (
        <Suspense>
          <LaterPhoneSheet me={me} shown={sheet} onClose={() => setSheet(null)} />
        </Suspense>
      )}
    </>
  );
}
