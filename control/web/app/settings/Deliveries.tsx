import { type HookDelivery, api } from '../shell/api';
import { asApiProblem } from '../shell/problem';
import { Known } from '../shell/Known';
import { useWhen } from '../shell/when';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { CopyButton } from '../ui/Copy';
import { Loading } from '../ui/Loading';
import { ProblemPanel } from '../ui/Problem';
import { DeliveryTag } from './HookTag';
import styles from './settings.module.css';

/** How often what waits is looked at again. */
const waitsMS = 3000;

/** What a webhook was told in the last 30 days, the newest first. */
export function Deliveries({ id }: { id: string }) {
  const t = useT();
  const list = api.useInfiniteQuery(
    'get',
    '/api/v1/webhooks/{id}/deliveries',
    { params: { path: { id }, query: { limit: 20 } } },
    {
      pageParamName: 'cursor',
      initialPageParam: null, // no cursor; what is undefined would be asked for as 0
      getNextPageParam: page => page.next,
      refetchInterval: ({ state }) =>
        state.data?.pages.some(page => page.deliveries.some(one => one.state === 'waiting')) === true
          ? waitsMS
          : false,
    },
  );
  const all = list.data?.pages.flatMap(page => page.deliveries) ?? [];
  return (
    <section className={styles['section']} aria-labelledby="deliveries">
      <h2 id="deliveries">{t('deliveries.title')}</h2>
      <p className="muted">{t('deliveries.lead')}</p>
      {list.isPending && <Loading />}
      {!list.data && list.isError && (
        <ProblemPanel problem={asApiProblem(list.error)} again={() => void list.refetch()} />
      )}
      {list.data && (
        <Known
          at={list.dataUpdatedAt}
          problem={list.isError ? asApiProblem(list.error) : undefined}
          again={() => void list.refetch()}
        >
          {all.length === 0 ? (
            <p>{t('deliveries.none')}</p>
          ) : (
            <ol className={styles['rows']}>
              {all.map(delivery => (
                <Row key={delivery.id} delivery={delivery} />
              ))}
            </ol>
          )}
        </Known>
      )}
      {list.hasNextPage && (
        <div>
          <Button busy={list.isFetchingNextPage} onPress={() => void list.fetchNextPage()}>
            {t('deliveries.more')}
          </Button>
        </div>
      )}
    </section>
  );
}

function Row({ delivery }: { delivery: HookDelivery }) {
  const t = useT();
  const when = useWhen();
  const { id, kind, state, attempts, status, answer, createdAt, settledAt } = delivery;
  const facts = [
    t('delivery.attempts', { n: attempts }),
    ...(status === null ? [] : [t('delivery.status', { status })]),
    ...(settledAt === null
      ? []
      : [t(state === 'done' ? 'delivery.taken' : 'delivery.givenUp', { time: when(settledAt) })]),
  ];
  return (
    <li>
      <div className={styles['who']}>
        <strong>{t(`hook.kind.${kind}`)}</strong>
        <span className="small muted figure">{when(createdAt)}</span>
        <span className="small muted">{facts.join(' · ')}</span>
      </div>
      <DeliveryTag state={state} />
      <details className={`small ${styles['wide'] ?? ''}`}>
        <summary>{t('problem.details')}</summary>
        {answer === '' ? <p>{t('delivery.unanswered')}</p> : <pre className={styles['answer']}>{answer}</pre>}
        <p className={styles['id']}>
          <code className="mono">{id}</code>
          <CopyButton value={id} name={t('delivery.id')} />
        </p>
      </details>
    </li>
  );
}
