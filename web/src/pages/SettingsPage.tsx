import { Link, useLocation } from '@tanstack/react-router';
import type { ComponentType } from 'react';
import { PageHeader } from '../components/PageHeader';
import { AccountSettings } from '../components/settings/AccountSettings';
import { AppearanceSettings } from '../components/settings/AppearanceSettings';
import { MachineSettings } from '../components/settings/MachineSettings';
import { NotificationSettings } from '../components/settings/NotificationSettings';
import { TokenSettings } from '../components/settings/TokenSettings';
import { UserSettings } from '../components/settings/UserSettings';
import { useMe } from '../hooks/useMe';
import { isOwner } from '../live/words';
import styles from './SettingsPage.module.css';

interface Part {
  /** In the address, after the `#`. */
  readonly hash: string;
  readonly label: string;
  readonly Content: ComponentType;
  readonly forOwners?: boolean;
}

const APPEARANCE: Part = {
  hash: 'appearance',
  label: 'Appearance',
  Content: AppearanceSettings,
};

const PARTS: readonly Part[] = [
  APPEARANCE,
  { hash: 'notifications', label: 'Notifications', Content: NotificationSettings },
  { hash: 'account', label: 'Account', Content: AccountSettings },
  { hash: 'tokens', label: 'API tokens', Content: TokenSettings },
  { hash: 'machines', label: 'Machines', Content: MachineSettings },
  { hash: 'users', label: 'Users', Content: UserSettings, forOwners: true },
];

/** One part at a time; each has its address. */
export function SettingsPage() {
  const hash = useLocation({ select: (location) => location.hash });
  const owner = isOwner(useMe());
  const parts = PARTS.filter(({ forOwners }) => owner || forOwners !== true);
  const shown = parts.find((part) => part.hash === hash) ?? APPEARANCE;
  return (
    <>
      <PageHeader title="Settings" />
      <div className={styles.page}>
        <nav className={styles.parts} aria-label="Settings">
          {parts.map((part) => (
            <Link
              key={part.hash}
              className={styles.part}
              to="/settings"
              hash={part.hash}
              replace
              activeOptions={{ includeHash: true }}
              aria-current={part === shown ? 'page' : undefined}
            >
              {part.label}
            </Link>
          ))}
        </nav>
        <main className={styles.content}>
          <shown.Content />
        </main>
      </div>
    </>
  );
}
