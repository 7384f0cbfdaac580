import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useParams, useRouter } from '@tanstack/react-router';
import { useEffect } from 'react';
import { Known } from '../shell/Known';
import { asApiProblem } from '../shell/problem';
import { useT } from '../shell/words';
import { CopyButton } from '../ui/Copy';
import { Loading } from '../ui/Loading';
import { ProblemPanel } from '../ui/Problem';
import { StateBadge } from '../ui/StateBadge';
import { EventContext, type KnownEvent, askAgainMS, eventQuery, inThrees, isNone, mayIn } from './event';
import styles from './event-page.module.css';

/** "/events/{id}": what stands around the pages of one event. */
export function EventPage() {
  const t = useT();
  const queries = useQueryClient();
  const router = useRouter();
  const { id } = useParams({ from: '/inside/events/$id' });
  const query = eventQuery(id);
  const event = useQuery({
    ...query,
    refetchInterval: ({ state }) => askAgainMS(state.data?.state),
  });
  const gone = isNone(event.error);
  useEffect(() => {
    if (!gone) return;
    queries.removeQueries({ queryKey: query.queryKey });
    void router.invalidate(); // which finds nothing at this address
  });
  const title = event.data?.title;
  useEffect(() => {
    if (title !== undefined) document.title = `${title} · Freshet`;
  }, [title]);
  const problem = event.isError && !gone ? asApiProblem(event.error) : undefined;
  const again = () => void event.refetch();
  if (!event.data) {
    return (
      <>
        <h1>{t('event.title')}</h1>
        {problem ? <ProblemPanel problem={problem} again={again} /> : <Loading />}
      </>
    );
  }
  return (
    <EventContext value={event.data}>
      <Head event={event.data} />
      <Known at={event.dataUpdatedAt} problem={problem} again={again}>
        {/* Another event is another page: nothing that was typed goes with it. */}
        <div className={styles['body']} key={id}>
          <Outlet />
        </div>
      </Known>
    </EventContext>
  );
}

function Head({ event }: { event: KnownEvent }) {
  const t = useT();
  const { id, link, number } = event;
  const shown = inThrees(number);
  return (
    <header className={styles['header']}>
      <div className={styles['title']}>
        <h1>{event.title}</h1>
        <StateBadge state={event.state} />
      </div>
      <div className={styles['facts']}>
        <span className={styles['fact']}>
          <a href={link} className={styles['link']}>
            {link.replace(/^https?:\/\//, '')}
          </a>
          <CopyButton value={link} name={t('event.link')} />
        </span>
        <span className={styles['fact']}>
          <span className="muted">{t('event.number')}</span>
          <span className="figure mono">{shown}</span>
          <CopyButton value={number} name={t('event.number.named', { number: shown })} />
        </span>
      </div>
      <nav className={styles['tabs']} aria-label={t('event.tabs')}>
        <Link to="/events/$id" params={{ id }} activeOptions={{ exact: true, includeSearch: false }}>
          {t('event.overview')}
        </Link>
        {mayIn(event, 'edit-event') && (
          <Link to="/events/$id/edit" params={{ id }}>
            {t('event.edit')}
          </Link>
        )}
        {mayIn(event, 'edit-event') && (
          <Link to="/events/$id/access" params={{ id }}>
            {t('event.access')}
          </Link>
        )}
        {mayIn(event, 'see-guests') && (
          <Link to="/events/$id/guests" params={{ id }} activeOptions={{ includeSearch: false }}>
            {t('event.guests')}
          </Link>
        )}
        {mayIn(event, 'edit-users') && (
          <Link to="/events/$id/users" params={{ id }}>
            {t('event.users')}
          </Link>
        )}
        {mayIn(event, 'see-order') && (
          <Link to="/events/$id/order" params={{ id }}>
            {t('event.order')}
          </Link>
        )}
      </nav>
    </header>
  );
}
