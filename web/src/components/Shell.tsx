import { useDisclosure, useMediaQuery } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { useShortcutKeys, useShortcuts } from '../hooks/useShortcuts';
import type { Principal } from '../protocol/messages';
import { Palette, palette } from './Palette';
import { Rail } from './Rail';
import styles from './Shell.module.css';
import { ShortcutHelp } from './ShortcutHelp';
import { Tabs } from './Tabs';

/** Below this the rail becomes tabs under the page. */
export const PHONE = '(max-width: 719px)';

/** The rail and the page beside it; on a phone the page and the tabs under it. */
export function Shell({ me, children }: { me: Principal; children: ReactNode }) {
  const isPhone = useMediaQuery(PHONE, undefined, { getInitialValueInEffect: false });
  const [helpOpened, help] = useDisclosure(false);
  useShortcutKeys();
  useShortcuts([
    { key: 'Mod+k', label: 'Go to or do anything', group: 'Everywhere', run: palette.open },
    { key: '?', label: 'Show the keys', group: 'Everywhere', run: help.open },
  ]);
  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#page">
        Skip to the page
      </a>
      {!isPhone && <Rail me={me} />}
      <div className={styles.page} id="page" tabIndex={-1}>
        {children}
      </div>
      {isPhone && <Tabs me={me} />}
      <Palette me={me} onHelp={help.open} />
      <ShortcutHelp opened={helpOpened} onClose={help.close} />
    </div>
  );
}
