import './styles.ts';
import { MantineProvider } from '@mantine/core';
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { me } from './api.ts';
import { ConsoleError } from './console-error.ts';
import { router } from './router.tsx';
import { contrast, theme } from './theme.ts';

declare global {
  // How the libraries that add a style element of their own learn the nonce.
  var __webpack_nonce__: string | undefined;
}

const nonce = document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]')?.nonce ?? '';
globalThis.__webpack_nonce__ = nonce;

const client = new QueryClient({
  queryCache: new QueryCache({ onError: noteSession }),
  mutationCache: new MutationCache({ onError: noteSession }),
  defaultOptions: { queries: { retry: false, staleTime: 1_000, refetchOnWindowFocus: true }, mutations: { retry: false } },
});

/** A session that has ended shows the form, whatever request noticed it. */
function noteSession(error: Error): void {
  if (ConsoleError.of(error).status === 401 && client.getQueryState(me.queryKey)?.status === 'success') void client.resetQueries(me);
}

const place = document.querySelector('#page');
if (place === null) throw new Error('index.html has no #page');
createRoot(place).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={contrast} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
