import { Button } from '@mantine/core';
import { useClient } from '../../hooks/useClient';
import { useCountdown } from '../../hooks/useCountdown';

/** There is no hub to ask who this is; the page asks again by itself. */
export function Unreachable({ until, busy }: { until: number; busy: boolean }) {
  const { session } = useClient();
  const left = useCountdown(until);
  if (busy) {
    return (
      <main className="alone">
        <h1>The hub is busy</h1>
        <p role="status">
          It had too many requests, and asked to be left alone for a moment. Tasks go on running on
          their machines, and nothing that they write is lost.
        </p>
        <p>{left > 1 ? `Trying again in ${left} s` : 'Trying again…'}</p>
      </main>
    );
  }
  return (
    <main className="alone">
      <h1>The hub cannot be reached</h1>
      <p role="status">
        It may be restarting, or this device may be offline. Tasks go on running on their machines,
        and nothing that they write is lost.
      </p>
      <p>
        <Button onClick={() => session.askNow()}>
          {left > 1 ? `Trying again in ${left} s · now` : 'Trying again…'}
        </Button>
      </p>
    </main>
  );
}
