import { useDisclosure, useMediaQuery } from '@mantine/hooks';
import { type ReactNode, Suspense, useEffect } from 'react';
import { useClient } from '../hooks/useClient';
import { useEndNotices } from '../hooks/useEndNotices';
import { useEver } from '../hooks/useEver';
import { useShortcutKeys, useShortcuts } from '../hooks/useShortcuts';
import { useStore } from '../hooks/useStore';
import type { Principal } from '../protocol/messages';
import { PHONE } from './breakpoints';
import { LaterConfirmIdentity, LaterPalette, LaterShortcutHelp } from './Later';
import { palette, paletteAsked } from './openPalette';
import { Rail } from './Rail';
import styles from './Shell.module.css';
import { Tabs } from './Tabs';

/** The rail and the page beside it; on a phone the page and the tabs under it. */
export function Shell({ me, children }: { me: Principal; children: ReactNode }) {
  const isPhone = useMediaQuery(PHONE, undefined, { getInitialValueInEffect: false });
  const [helpOpened, help] = useDisclosure(false);
  const hasPalette = useEver(useStore(paletteAsked));
  const hasHelp = useEver(helpOpened);
  const { confirmation } = useClient();
  const hasConfirmation = useEver(useStore(confirmation.asked));
  useEndNotices();
  useLinkProblem();
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
      <Suspense>{hasPalette && <LaterPalette me={me} onHelp={help.open} />}</Suspense>
      <Suspense>
        {hasHelp && <LaterShortcutHelp opened={helpOpened} onClose={help.close} />}
      </Suspense>
      <Suspense>{hasConfirmation && <LaterConfirmIdentity me={me} />}</Suspense>
    </div>
  );
}

/** Says why a sign-in link did nothing to a user who is signed in already. */
function useLinkProblem(): void {
  const { linkProblem } = useClient().session;
  const problem = useStore(linkProblem);
  useEffect(() => {
    if (problem === null) return;
    linkProblem.set(null);
    void import('@mantine/notifications').then(({ showNotification }) =>
      showNotification({
        color: 'red',
        title: 'The sign-in link was not used; you are still signed in',
        message: problem,
        autoClose: false,
      }),
    );
  }, [linkProblem, problem]);
}
