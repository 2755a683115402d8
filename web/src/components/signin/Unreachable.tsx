import { Button } from '@mantine/core';
import { useClient } from '../../hooks/useClient';
import { useCountdown } from '../../hooks/useCountdown';

/** There is no hub to ask who this is; the page asks again by itself. */
export function Unreachable({ until }: { until: number }) {
  const { session } = useClient();
  const left = useCountdown(until);
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
