import { Button } from '@mantine/core';
import type { ErrorComponentProps } from '@tanstack/react-router';
import { PageHeader } from './PageHeader';
import { Problem } from './Problem';

/** In place of a page that has a fault of its own: the rest of the app goes on. */
export function PageFault({ error, reset }: ErrorComponentProps) {
  return (
    <main>
      <PageHeader title="This page does not work" />
      <div className="alone">
        <Problem error={error} onRetry={reset} />
        <p>Nothing was lost or changed: tasks go on, and their output is kept.</p>
        <Button onClick={() => location.reload()}>Load the page again</Button>
      </div>
    </main>
  );
}
