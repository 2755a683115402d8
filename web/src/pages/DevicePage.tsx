import { getRouteApi, Link } from '@tanstack/react-router';
import { PageHeader } from '../components/PageHeader';
import { Problem } from '../components/Problem';
import { DeviceCodeForm } from '../components/signin/DeviceCodeForm';
import { DeviceRequest } from '../components/signin/DeviceRequest';
import { useDevice } from '../hooks/useDevice';
import { formatDeviceCode, isDeviceCode } from '../live/deviceCode';
import type { DeviceInfo } from '../protocol/messages';
import styles from './DevicePage.module.css';

const route = getRouteApi('/device');

/** Letting a terminal in: its code, who asks, yes or no. */
export function DevicePage() {
  const { code = '' } = route.useSearch();
  return (
    <>
      <PageHeader title="Sign in a terminal" />
      <main className={styles.content}>
        <Steps key={code} code={code} />
      </main>
    </>
  );
}

function Steps({ code }: { code: string }) {
  const navigate = route.useNavigate();
  const { device, decide } = useDevice(isDeviceCode(code) ? formatDeviceCode(code) : null);
  const ask = (typed: string) => {
    if (typed === code) void device.refetch();
    else void navigate({ search: { code: typed } });
  };
  if (decide.isSuccess && device.data !== undefined) {
    return <Result device={device.data} approved={decide.variables.approve} />;
  }
  if (device.data !== undefined) {
    return (
      <DeviceRequest
        device={device.data}
        busy={decide.isPending}
        error={decide.error}
        onDecide={decide.mutate}
        onBack={() => void navigate({ search: {} })}
      />
    );
  }
  return (
    <>
      <p>
        <code>arbor login {location.origin}</code> in a terminal shows a code. Enter it here to let
        that terminal act as you.
      </p>
      {device.isError && <Problem error={device.error} />}
      {!device.isFetching && <DeviceCodeForm initial={code} onCode={ask} />}
    </>
  );
}

function Result({ device, approved }: { device: DeviceInfo; approved: boolean }) {
  const who = [device.clientName, device.hostname].filter((part) => part !== null).join(' on ');
  return (
    <div role="status" className={styles.result}>
      <h2>{approved ? `${who} is signed in` : `${who} was denied`}</h2>
      <p>
        {approved
          ? 'Go back to the terminal: it goes on by itself. You can close this page.'
          : 'It gets nothing and is told so. If you did not start it, nothing else is needed.'}
      </p>
      {approved && (
        <p>
          To take it back,{' '}
          <Link to="/settings" hash="tokens">
            revoke its token
          </Link>
          .
        </p>
      )}
    </div>
  );
}
