import { ActionIcon, Kbd, Menu, UnstyledButton } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { Principal } from '../protocol/messages';
import { AccountMenu } from './AccountMenu';
import { ConnectionIndicator } from './ConnectionIndicator';
import { Logo } from './Logo';
import { Navigation } from './Navigation';
import { palette } from './Palette';
import styles from './Rail.module.css';

const MOD = /Mac|iPhone|iPad/.test(navigator.platform) ? '⌘' : 'Ctrl ';

/** What there is, at the left of every page. */
export function Rail({ me }: { me: Principal }) {
  return (
    <div className={styles.rail}>
      <header className={styles.head}>
        <Link className={styles.brand} to="/">
          <Logo /> Arbor
        </Link>
        <Menu>
          <Menu.Target>
            <ActionIcon
              radius="xl"
              variant="default"
              aria-label={`Account of ${me.username}`}
              title={`Signed in as ${me.username}`}
            >
              <span className={styles.initial}>{me.username.charAt(0)}</span>
            </ActionIcon>
          </Menu.Target>
          <AccountMenu me={me} />
        </Menu>
      </header>
      <Navigation me={me} />
      <footer className={styles.foot}>
        <ConnectionIndicator />
        <UnstyledButton
          className={styles.palette}
          onClick={palette.open}
          aria-label="Go to or do anything"
        >
          <Kbd>{MOD}K</Kbd>
        </UnstyledButton>
      </footer>
    </div>
  );
}
