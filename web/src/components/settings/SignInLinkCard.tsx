import { lazy, Suspense } from 'react';
import { useCountdown } from '../../hooks/useCountdown';
import { formatDuration } from '../../live/format';
import type { SignInLink } from '../../protocol/messages';
import { Copyable } from '../Copyable';
import styles from './settings.module.css';

const QrCode = lazy(() => import('../QrCode').then((module) => ({ default: module.QrCode })));

/** A sign-in link, for a camera or to copy, while it works. */
export function SignInLinkCard({ link: { url, expiresAt } }: { link: SignInLink }) {
  const left = useCountdown(Date.parse(expiresAt));
  if (left === 0) {
    return <p className={styles.about}>The link does not work any more.</p>;
  }
  return (
    <div className={styles.link}>
      <Suspense>
        <QrCode text={url} label="The link, for the camera of a phone" />
      </Suspense>
      <Copyable text={url} />
      <p className={styles.about}>Works once, for another {formatDuration(left)}.</p>
    </div>
  );
}
