import { Button } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { useCountdown } from '../../hooks/useCountdown';
import { useMe } from '../../hooks/useMe';
import { formatDuration } from '../../live/format';
import type { DeviceDecision, DeviceInfo } from '../../protocol/messages';
import { Problem } from '../Problem';
import { ScopeChoice } from '../ScopeChoice';
import { Since } from '../Since';
import styles from './device.module.css';

interface Props {
  device: DeviceInfo;
  busy: boolean;
  error: Error | null;
  onDecide: (decision: DeviceDecision) => void;
  /** There is another code. */
  onBack: () => void;
}

/** Who asks, from where, for what; what it says of itself is called a claim. */
export function DeviceRequest({ device, busy, error, onDecide, onBack }: Props) {
  const me = useMe();
  const [scopes, setScopes] = useState<readonly DeviceInfo['scopes'][number][]>(device.scopes);
  const left = useCountdown(Date.parse(device.expiresAt));
  const decide = (approve: boolean) =>
    onDecide({ userCode: device.userCode, approve, ...(approve && { scopes: [...scopes] }) });
  return (
    <div className={styles.step}>
      <p>
        A program asks to act as <b>{me.username}</b>.
      </p>
      <p className={styles.warning}>
        <b>Only approve what you started yourself,</b> just now, and if the code in that terminal is{' '}
        <code>{device.userCode}</code>. If somebody sent you this code, deny it.
      </p>
      <Facts device={device} />
      <ScopeChoice legend="It may" offered={device.scopes} chosen={scopes} onChange={setScopes} />
      {error !== null && <Problem error={error} />}
      {left === 0 ? (
        <div className={styles.buttons}>
          <p role="status">The code has expired. Start the sign-in again to get a new one.</p>
          <Button onClick={onBack}>Enter another code</Button>
        </div>
      ) : (
        <div className={styles.buttons}>
          <Button
            variant="filled"
            disabled={busy || scopes.length === 0}
            onClick={() => decide(true)}
          >
            Approve
          </Button>
          <Button disabled={busy} onClick={() => decide(false)}>
            Deny
          </Button>
          <span className={styles.left}>{formatDuration(left)} left</span>
        </div>
      )}
    </div>
  );
}

function Facts({ device }: { device: DeviceInfo }) {
  const { clientName, hostname, address, requestedAt, tokenExpiresIn } = device;
  return (
    <dl className={styles.facts}>
      <Fact name="Program" claim>
        {clientName}
      </Fact>
      {hostname !== null && (
        <Fact name="Machine" claim>
          {hostname}
        </Fact>
      )}
      <Fact name="Address">{address}</Fact>
      <Fact name="Asked">
        <Since time={requestedAt} ago />
      </Fact>
      <Fact name="Stays signed in">
        {tokenExpiresIn === null ? 'until it is revoked' : `for ${formatDuration(tokenExpiresIn)}`}
      </Fact>
    </dl>
  );
}

interface FactProps {
  name: string;
  /** Only the program says so. */
  claim?: boolean;
  children: ReactNode;
}

function Fact({ name, claim = false, children }: FactProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {children}
        {claim && <span className={styles.claim}> as it says</span>}
      </dd>
    </div>
  );
}
