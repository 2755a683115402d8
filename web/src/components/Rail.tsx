import { Kbd, UnstyledButton } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { Principal } from '../protocol/messages';
import { AccountButton } from './AccountButton';
import { ConnectionIndicator } from './ConnectionIndicator';
import { Logo } from './Logo';
import { Navigation } from './Navigation';
import { palette } from './openPalette';
import styles from './Rail.module.css';

const MOD = /Mac|iPhone|iPad/.test(navigator.platform) ? '⌘' : 'Ctrl ';

/** What there is, at the left of every page. */
export function Rail({ me }: { me: Principal }) {
  return (
    <section className={styles.rail} aria-label="Sidebar">
      <div className={styles.head}>
        <Link className={styles.brand} to="/">
          <Logo /> Arbor
        </Link>
        <AccountButton me={me} />
      </div>
      <Navigation me={me} />
      <div className={styles.foot}>
        <ConnectionIndicator />
        <UnstyledButton
          className={styles.palette}
          onClick={palette.open}
          aria-label={`${MOD}K: go to or do anything`}
        >
          <Kbd>{MOD}K</Kbd>
        </UnstyledButton>
      </div>
    </section>
  );
}
