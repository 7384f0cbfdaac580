import { type QueryClient, queryOptions, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import { keepLanguage } from '../ui/language';
import { type Me, client } from './api';
import { mustLogIn, safeTarget } from './guard';
import { asApiProblem } from './problem';
import { useWords } from './words';

/** The person who is logged in, with the version that a change must name. */
export interface Self extends Me {
  etag: string;
}

export function selfOf(me: Me | undefined, response: Response): Self {
  if (!me) throw new TypeError('an answer without a person');
  return { ...me, etag: response.headers.get('ETag') ?? '' };
}

async function askMe(signal?: AbortSignal): Promise<Self> {
  const { data, response } = await client.GET('/api/v1/me', signal ? { signal } : {});
  return selfOf(data, response);
}

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: ({ signal }) => askMe(signal),
  staleTime: 60_000,
});

/** Looks whether somebody is logged in, where both will do. Not as a query: one that finds nobody leads to the log-in. */
export async function lookForMe(queries: QueryClient): Promise<void> {
  if (queries.getQueryData(meQuery.queryKey) !== undefined) return;
  try {
    queries.setQueryData(meQuery.queryKey, await askMe());
  } catch (thrown) {
    if (!mustLogIn(thrown)) throw thrown;
  }
}

export function useMe(): Self {
  return useSuspenseQuery(meQuery).data;
}

/** What every way in does with a failure: where a second step is asked for, the browser goes there. */
export function useStep(to?: string): (thrown: unknown) => void {
  const router = useRouter();
  return thrown => {
    if (asApiProblem(thrown).kind !== 'second-step') return;
    void router.navigate({ to: '/login', search: to === undefined ? { step: true } : { to, step: true } });
  };
}

/** What every way in ends with: forget what was known of whoever was here before, and go where one wanted to. */
export function useEnter(): (me: Me, to?: string) => void {
  const queries = useQueryClient();
  const router = useRouter();
  const { language } = useWords();
  return (me, to) => {
    const target = safeTarget(to);
    queries.clear();
    if (me.language === language) {
      void router.navigate({ href: target });
      return;
    }
    keepLanguage(me.language);
    location.assign(target);
  };
}
