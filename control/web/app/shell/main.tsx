/** Entry of the pages for people who log in. */
// First, so that the sheets of components, which come with them, stand behind these.
import '../ui/base.css';
import '../ui/shell.css';
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { I18nProvider, RouterProvider as LinkProvider } from 'react-aria-components';
import { createRoot } from 'react-dom/client';
import { fontsAfterPicture } from '../ui/fonts';
import { pageLanguage } from '../ui/language';
import { applyTheme } from '../ui/theme';
import { mayTryAgain, mustLogIn } from './guard';
import { ApiProblem } from './problem';
import { makeRouter } from './router';
import { WordsContext, loadWords } from './words';

applyTheme();
const language = pageLanguage();
document.documentElement.lang = language;
const words = await loadWords(language);

const queries = new QueryClient({
  queryCache: new QueryCache({
    onError: (thrown, query) => {
      // Logged out meanwhile. A page that shows something keeps it, with what is being typed there.
      if (mustLogIn(thrown) && query.state.data === undefined) {
        void router.navigate({ to: '/login', search: { to: location.pathname + location.search } });
      }
    },
  }),
  defaultOptions: {
    queries: { networkMode: 'always', refetchOnWindowFocus: false, retry: mayTryAgain, retryDelay: 1000 },
    mutations: { networkMode: 'always', retry: false },
  },
});
const router = makeRouter(queries, words.t);
// A page that comes at once is the first thing to be painted; one that does not is waited for with a skeleton.
await Promise.race([router.load(), new Promise(resolve => setTimeout(resolve, 200))]);

const root = document.createElement('div');
root.className = 'root';
document.body.append(root);
createRoot(root, {
  onCaughtError: thrown => {
    // A page that failed shows a problem of the API itself; all else is a fault of ours.
    if (!(thrown instanceof ApiProblem)) console.error(thrown);
  },
}).render(
  <StrictMode>
    <WordsContext value={words}>
      <I18nProvider locale={language}>
        <QueryClientProvider client={queries}>
          <LinkProvider navigate={href => void router.navigate({ href })}>
            <RouterProvider router={router} />
          </LinkProvider>
        </QueryClientProvider>
      </I18nProvider>
    </WordsContext>
  </StrictMode>,
);
fontsAfterPicture();
