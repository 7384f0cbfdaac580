import { Link, getRouteApi } from '@tanstack/react-router';
import { CalendarPlus, Search as SearchIcon } from 'lucide-react';
import { useState } from 'react';
import { Known } from '../shell/Known';
import { NotAllowed } from '../shell/NotAllowed';
import { type EventLine, api } from '../shell/api';
import { may } from '../shell/guard';
import { useMe } from '../shell/me';
import { asApiProblem } from '../shell/problem';
import { useT } from '../shell/words';
import { IconButton } from '../ui/Button';
import { Loading } from '../ui/Loading';
import { ProblemPanel } from '../ui/Problem';
import { EventRow } from './EventRow';
import {
  type Search,
  type View,
  byDay,
  isPast,
  minutesUntil,
  nextOf,
  queryOf,
  searchOf,
  statesOf,
  still,
} from './agenda';
import { useTimes, useToday } from './times';
import settings from '../settings/settings.module.css';
import styles from './calendar.module.css';

const route = getRouteApi('/inside/calendar');
const path = '/api/v1/events';
const liveAtMost = 20;
/** Badges follow within this time, while the page is looked at. */
const everyMS = 10_000;

/** "/calendar": the next event, those to come and those that were. */
export function Calendar() {
  const t = useT();
  const me = useMe();
  if (!may(me, 'see-event')) return <NotAllowed title={t('calendar.title')} role="organizer" />;
  return <Events />;
}

function Events() {
  const t = useT();
  const creates = may(useMe(), 'create-events');
  const search = route.useSearch();
  const today = useToday();
  const isWhole =
    search.view !== 'past' &&
    search.q === undefined &&
    search.state === undefined &&
    search.cursor === undefined;
  const page = api.useQuery(
    'get',
    path,
    { params: { query: queryOf(search, today) } },
    { refetchInterval: everyMS },
  );
  // What began before today may still be on the air.
  const live = api.useQuery(
    'get',
    path,
    { params: { query: { state: 'live', limit: liveAtMost } } },
    { refetchInterval: everyMS, enabled: isWhole },
  );
  const again = () => {
    void page.refetch();
    if (isWhole) void live.refetch();
  };
  return (
    <>
      <div className={settings['head']}>
        <h1>{t('calendar.title')}</h1>
        {creates && (
          <Link to="/events/new" className="button main">
            <CalendarPlus size={20} aria-hidden />
            {t('calendar.new')}
          </Link>
        )}
      </div>
      <Narrow search={search} />
      {(page.isPending || (isWhole && live.isPending)) && <Loading />}
      {!page.data && page.isError && <ProblemPanel problem={asApiProblem(page.error)} again={again} />}
      {page.data && !(isWhole && live.isPending) && (
        <Known
          at={page.dataUpdatedAt}
          problem={page.isError ? asApiProblem(page.error) : undefined}
          again={again}
        >
          <Lists
            key={JSON.stringify(search)}
            search={search}
            events={page.data.events.filter(
              event =>
                search.state !== undefined ||
                isPast(event, page.dataUpdatedAt, today) === (search.view === 'past'),
            )}
            live={isWhole ? (live.data?.events ?? []) : undefined}
            now={page.dataUpdatedAt}
            creates={creates}
          />
        </Known>
      )}
      <Pages search={search} next={page.data?.next} />
    </>
  );
}

/** Which events: to come or past, words of the title, a state. All of it stands in the address. */
function Narrow({ search }: { search: Search }) {
  const t = useT();
  const navigate = route.useNavigate();
  const view: View = search.view ?? 'upcoming';
  const narrow = (more: Record<string, unknown>) =>
    void navigate({ search: searchOf({ view: search.view, q: search.q, state: search.state, ...more }) });
  return (
    <div className={styles['narrow']}>
      <nav className={styles['views']} aria-label={t('calendar.views')}>
        {(['upcoming', 'past'] as const).map(one => (
          <Link
            key={one}
            to="/calendar"
            search={searchOf({ view: one, q: search.q })}
            activeProps={{}}
            aria-current={one === view ? 'page' : undefined}
          >
            {t(`calendar.${one}`)}
          </Link>
        ))}
      </nav>
      <form
        role="search"
        className={styles['search']}
        onSubmit={event => {
          event.preventDefault();
          narrow({ q: new FormData(event.currentTarget).get('q') });
        }}
      >
        <input
          key={search.q}
          type="search"
          name="q"
          defaultValue={search.q}
          maxLength={200}
          aria-label={t('calendar.search')}
          placeholder={t('calendar.search')}
        />
        <IconButton name={t('calendar.search.act')} type="submit">
          <SearchIcon size={20} />
        </IconButton>
      </form>
      <select
        aria-label={t('calendar.state')}
        value={search.state ?? ''}
        onChange={event => {
          narrow({ state: event.target.value });
        }}
      >
        <option value="">{t('calendar.state.all')}</option>
        {statesOf[view].map(state => (
          <option key={state} value={state}>
            {t(`state.${state}`)}
          </option>
        ))}
      </select>
    </div>
  );
}

interface ListsProps {
  search: Search;
  events: EventLine[];
  /** What is on the air; undefined where nothing stands on top. */
  live: EventLine[] | undefined;
  now: number;
  creates: boolean;
}

function Lists({ search, events, live, now, creates }: ListsProps) {
  const t = useT();
  const timesOf = useTimes();
  const fresh = { top: live ? nextOf(live, events, now) : [], events };
  // Rows keep their places for as long as the pointer is on them.
  const [held, setHeld] = useState<typeof fresh>();
  const top = held ? still(held.top, [...fresh.top, ...events]) : fresh.top;
  const rows = held ? still(held.events, events) : events;
  return (
    <div
      className={styles['lists']}
      onPointerEnter={() => {
        setHeld(fresh);
      }}
      onPointerLeave={() => {
        setHeld(undefined);
      }}
    >
      {top.length > 0 && (
        <section className={styles['group']}>
          <h2>{t(top.some(({ state }) => state === 'live') ? 'calendar.onAir' : 'calendar.next')}</h2>
          <ul className={`${styles['rows'] ?? ''} ${styles['next'] ?? ''}`}>
            {top.map(event => (
              <EventRow
                key={event.id}
                event={event}
                dated
                minutes={
                  event.state === 'scheduled' || event.state === 'preparation'
                    ? minutesUntil(Date.parse(event.startsAt), now)
                    : undefined
                }
              />
            ))}
          </ul>
        </section>
      )}
      {rows.length === 0 && top.length === 0 && <Empty search={search} creates={creates} />}
      {byDay(rows, event => timesOf(event).key).map(({ day, rows: ofDay }) => (
        <section key={day} className={styles['group']}>
          <h2>{ofDay[0] && timesOf(ofDay[0]).day}</h2>
          <ul className={styles['rows']}>
            {ofDay.map(event => (
              <EventRow key={event.id} event={event} />
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

/** What to do where there is nothing. */
function Empty({ search, creates }: { search: Search; creates: boolean }) {
  const t = useT();
  const { view } = search;
  if (search.cursor !== undefined) return <p>{t('calendar.empty.page')}</p>;
  if (search.q !== undefined || search.state !== undefined) {
    return (
      <div className={styles['empty']}>
        <p>{t('calendar.empty.found')}</p>
        <Link to="/calendar" search={searchOf({ view })} className="button">
          {t('calendar.empty.all')}
        </Link>
      </div>
    );
  }
  if (view === 'past') return <p>{t('calendar.empty.past')}</p>;
  if (!creates) return <p>{t('calendar.empty.guest')}</p>;
  return (
    <div className={styles['empty']}>
      <p>{t('calendar.empty')}</p>
      <div className={settings['acts']}>
        {(['webcast', 'webinar', 'meeting'] as const).map(kind => (
          <Link key={kind} to="/events/new" search={{ kind }} className="button">
            {t(`calendar.new.${kind}`)}
          </Link>
        ))}
      </div>
    </div>
  );
}

function Pages({ search, next }: { search: Search; next: string | undefined }) {
  const t = useT();
  const { cursor, ...first } = search;
  if (cursor === undefined && next === undefined) return null;
  const past = search.view === 'past';
  return (
    <nav className={settings['acts']} aria-label={t('calendar.pages')}>
      {cursor !== undefined && (
        <Link to="/calendar" search={first} className="button">
          {t(past ? 'calendar.newest' : 'calendar.soonest')}
        </Link>
      )}
      {next !== undefined && (
        <Link to="/calendar" search={{ ...first, cursor: next }} className="button">
          {t(past ? 'calendar.older' : 'calendar.later')}
        </Link>
      )}
    </nav>
  );
}
