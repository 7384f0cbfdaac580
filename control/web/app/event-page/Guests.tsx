import { useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Contact, UserPlus } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { Known } from '../shell/Known';
import { api } from '../shell/api';
import { may } from '../shell/guard';
import { useMe } from '../shell/me';
import { asApiProblem } from '../shell/problem';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { Loading } from '../ui/Loading';
import { ProblemPanel } from '../ui/Problem';
import { AddGuests } from './AddGuests';
import { EmptyGuests } from './EmptyGuests';
import { FromContacts } from './FromContacts';
import { GuestLog } from './GuestLog';
import { Filters, Pages } from './GuestFilters';
import { GuestRow } from './GuestRow';
import { type Open, Tools } from './GuestTools';
import { NotInEvent } from './NotInEvent';
import { mayIn, useEvent } from './event';
import { type Guest, type Search, forgetGuests, held, inUse, searchOf } from './guests';
import styles from './guests.module.css';

const route = getRouteApi('/inside/events/$id/guests');
/** As often as the list of guests is read again: who registers is seen within a few seconds. */
const askEveryMS = 3000;
const pageOf = 50;

/** "/events/{id}/guests": who is on the list, however they came there. */
export function Guests() {
  const t = useT();
  const event = useEvent();
  const search = searchOf(route.useSearch()); // the router hands on what belongs to no page, too
  if (!mayIn(event, 'see-guests')) return <NotInEvent title={t('event.guests')} event={event} />;
  // Another part of the list is another list: what is held in view and chosen is that of one alone.
  return <GuestList key={JSON.stringify(search)} search={search} />;
}

function GuestList({ search }: { search: Search }) {
  const t = useT();
  const event = useEvent();
  const edits = mayIn(event, 'edit-guests');
  const fromContacts = may(useMe(), 'edit-contacts');
  const queries = useQueryClient();
  const [open, setOpen] = useState<Open>();
  const [shown, setShown] = useState<readonly Guest[]>();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const list = api.useQuery(
    'get',
    '/api/v1/events/{id}/guests',
    { params: { path: { id: event.id }, query: { ...search, limit: pageOf } } },
    { refetchInterval: askEveryMS },
  );
  const latest = list.data?.guests;
  const area = useRef<HTMLDivElement>(null);
  if (latest && !shown) setShown(latest);
  const first = search.cursor === undefined;
  const holds = !first || chosen.size > 0;
  useEffect(() => {
    if (latest && !holds && area.current && !inUse(area.current)) setShown(latest);
  }, [latest, list.dataUpdatedAt, holds]);
  const { rows, fresh } = held(shown ?? [], latest ?? []);
  const all = Object.keys(search).length === 0;

  /** Shows the list as it is now, after what this page did to it. */
  const renew = async () => {
    await forgetGuests(queries);
    setShown(undefined);
    setChosen(new Set());
  };
  const choose = (id: string, on: boolean) => {
    const next = new Set(chosen);
    if (on) next.add(id);
    else next.delete(id);
    setChosen(next);
  };
  const close = () => {
    setOpen(undefined);
  };
  return (
    <section className={styles['section']} aria-labelledby="guests">
      <div className={styles['head']}>
        <h2 id="guests">
          {t('event.guests')}{' '}
          {list.data && <span className={styles['count']}>{t('guests.total', { n: list.data.total })}</span>}
        </h2>
        {edits && (
          <div className={styles['acts']}>
            {fromContacts && (
              <Button
                writes
                onPress={() => {
                  setOpen('contacts');
                }}
              >
                <Contact size={20} aria-hidden />
                {t('guests.contacts')}
              </Button>
            )}
            <Button
              look="main"
              writes
              onPress={() => {
                setOpen('add');
              }}
            >
              <UserPlus size={20} aria-hidden />
              {t('guests.add')}
            </Button>
          </div>
        )}
      </div>
      <Tools edits={edits} chosen={[...chosen]} total={list.data?.total ?? 0} onSent={renew} open={setOpen} />
      <Filters search={search} waiting={list.data?.waiting ?? 0} />
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
          <div ref={area}>
            {fresh > 0 && first && (
              <div className={styles['fresh']} role="status">
                <Button
                  onPress={() => {
                    setShown(latest);
                  }}
                >
                  {t('guests.fresh', { n: fresh })}
                </Button>
              </div>
            )}
            {rows.length === 0 && <p>{t(all ? 'guests.none' : 'guests.none.found')}</p>}
            {rows.length > 0 && (
              <ul className={styles['rows']}>
                {rows.map(guest => (
                  <GuestRow
                    key={guest.id}
                    guest={guest}
                    edits={edits}
                    chosen={chosen.has(guest.id)}
                    choose={on => {
                      choose(guest.id, on);
                    }}
                    onDone={renew}
                  />
                ))}
              </ul>
            )}
          </div>
        </Known>
      )}
      <Pages search={search} next={list.data?.next} />
      <AddGuests open={open === 'add'} close={close} onAdded={renew} />
      <FromContacts open={open === 'contacts'} close={close} onAdded={renew} />
      <EmptyGuests open={open === 'empty'} close={close} onDone={renew} />
      <GuestLog open={open === 'log'} close={close} />
    </section>
  );
}
