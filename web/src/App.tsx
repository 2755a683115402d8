import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { Suspense, useMemo } from 'react';
import { LaterNotices } from './components/Later';
import { createQueryClient } from './hooks/queryClient';
import { ClientContext } from './hooks/useClient';
import { useIdle } from './hooks/useIdle';
import type { Client } from './live/client';
import { router } from './router';
import { cssVariablesResolver, theme } from './theme';

export function App({ client }: { client: Client }) {
  const isIdle = useIdle();
  const queries = useMemo(() => createQueryClient(client), [client]);
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariablesResolver}
      defaultColorScheme="auto"
    >
      <ClientContext value={client}>
        <QueryClientProvider client={queries}>
          <Suspense>{isIdle && <LaterNotices />}</Suspense>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </ClientContext>
    </MantineProvider>
  );
}
