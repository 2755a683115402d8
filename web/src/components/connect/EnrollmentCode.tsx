import { Button } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { useCountdown } from '../../hooks/useCountdown';
import { useEnrollment, useWheelAddress } from '../../hooks/useEnrollment';
import type { Workspace } from '../../protocol/messages';
import styles from '../ConnectMachine.module.css';
import { Copyable } from '../Copyable';
import { Problem } from '../Problem';

const QrCode = lazy(() => import('../QrCode').then((module) => ({ default: module.QrCode })));

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** The command that connects a machine, with a code that works once; waits for it to be used. */
export function EnrollmentCode({ workspace }: { workspace: Workspace }) {
  const { data, error, isFetching, refetch } = useEnrollment(workspace.id);
  const wheel = useWheelAddress();
  const left = useCountdown(data === undefined ? null : Date.parse(data.expiresAt));
  if (data === undefined || wheel === undefined) {
    return error === null ? (
      <p className={styles.about}>Asking for a code…</p>
    ) : (
      <Problem error={error} onRetry={() => void refetch()} />
    );
  }
  const isOver = left === 0;
  return (
    <ol className={styles.steps}>
      <li>
        <p>
          Install Arbor on that machine, from this hub: the same version, also where nothing else
          can be reached. It needs Linux and Python 3.11 or newer.
        </p>
        <Copyable text={`pip install ${wheel}`} />
        <p className={styles.about}>
          If pip says that the system manages its own Python: <code>pipx install</code> with the
          same address.
        </p>
      </li>
      <li className={styles.withCode}>
        <div className={styles.step}>
          <p>There, in the folder to work in, run:</p>
          <div className={isOver ? 'stale' : undefined}>
            <Copyable text={data.command} />
          </div>
          <p className={styles.about}>
            {isOver
              ? 'The code is too old now. '
              : `The code works once and ends in ${inWords(left)}. `}
            <Button size="compact-sm" disabled={isFetching} onClick={() => void refetch()}>
              New code
            </Button>
          </p>
          {LOOPBACK.test(location.hostname) && (
            <p className={styles.about}>
              This hub is reached at <code>{location.hostname}</code>, so the command works on its
              own machine only. Others need its public address, <code>--public-url</code>.
            </p>
          )}
        </div>
        <Suspense fallback={<div className={styles.codePlace} />}>
          <figure className={styles.code}>
            <QrCode text={data.command} label="The command as a QR code" />
            <figcaption>The command, for a phone</figcaption>
          </figure>
        </Suspense>
      </li>
      <li>
        <p className={styles.waiting} role="status">
          <span className={styles.pulse} aria-hidden="true" />
          Waiting for {workspace.name} to connect…
        </p>
      </li>
    </ol>
  );
}

/** `9:41`, which does not dance. */
function inWords(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
