import { Suspense, useState } from 'react';
import { useIdle } from '../hooks/useIdle';
import type { Principal } from '../protocol/messages';
import { AccountTarget } from './AccountTarget';
import { LaterAccountMenu } from './Later';

/** Who is signed in; the menu under it is loaded when the page has time, or when it is asked for. */
export function AccountButton({ me }: { me: Principal }) {
  const [asked, setAsked] = useState(false);
  const isIdle = useIdle();
  const button = (
    <AccountTarget username={me.username} aria-haspopup="menu" onClick={() => setAsked(true)} />
  );
  if (!asked && !isIdle) return button;
  return (
    <Suspense fallback={button}>
      <LaterAccountMenu me={me} defaultOpened={asked} />
    </Suspense>
  );
}
