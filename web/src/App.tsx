import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { useMemo } from 'react';
import { createQueryClient } from './hooks/queryClient';
import { ClientContext } from './hooks/useClient';
import type { Client } from './live/client';
import { router } from './router';
import { cssVariablesResolver, theme } from './theme';

export function App({ client }: { client: Client }) {
  const queries = useMemo(() => createQueryClient(client), [client]);
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariablesResolver}
      defaultColorScheme="auto"
    >
      <ClientContext value={client}>
        <QueryClientProvider client={queries}>
          <Notifications position="top-right" limit={3} />
          <RouterProvider router={router} />
        </QueryClientProvider>
      </ClientContext>
    </MantineProvider>
  );
}
