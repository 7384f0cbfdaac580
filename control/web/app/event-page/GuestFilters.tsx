import { Link, getRouteApi } from '@tanstack/react-router';
import { Search as SearchIcon } from 'lucide-react';
import { useState } from 'react';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { useEvent } from './event';
import { type Search, narrowed, sources, states } from './guests';
import styles from './guests.module.css';

const route = getRouteApi('/inside/events/$id/guests');

/** Which guests are looked at. */
export function Filters({ search, waiting }: { search: Search; waiting: number }) {
  const t = useT();
  const navigate = route.useNavigate();
  const [typed, setTyped] = useState(search.search ?? '');
  const to = (part: Partial<Record<keyof Search, string>>) => {
    void navigate({ search: narrowed(search, part) });
  };
  return (
    <form
      className={styles['filters']}
      role="search"
      onSubmit={event => {
        event.preventDefault();
        to({ search: typed.trim() });
      }}
    >
      <div className={styles['search']}>
        <input
          type="search"
          aria-label={t('guests.search')}
          placeholder={t('guests.search')}
          value={typed}
          maxLength={200}
          onChange={event => {
            setTyped(event.target.value);
          }}
        />
        <Button type="submit" aria-label={t('guests.search.act')}>
          <SearchIcon size={20} aria-hidden />
        </Button>
      </div>
      <select
        aria-label={t('guests.source')}
        value={search.source ?? ''}
        onChange={event => {
          to({ source: event.target.value });
        }}
      >
        <option value="">{t('guests.source.all')}</option>
        {sources.map(source => (
          <option key={source} value={source}>
            {t(`guests.source.${source}`)}
          </option>
        ))}
      </select>
      <select
        aria-label={t('guests.state')}
        value={search.state ?? ''}
        onChange={event => {
          to({ state: event.target.value });
        }}
      >
        <option value="">{t('guests.state.all')}</option>
        {states.map(state => (
          <option key={state} value={state}>
            {state === 'waiting' ? t('guests.state.waiting.n', { n: waiting }) : t(`guests.state.${state}`)}
          </option>
        ))}
      </select>
    </form>
  );
}

/** The ways to other pages of the list. */
export function Pages({ search, next }: { search: Search; next: string | undefined }) {
  const t = useT();
  const { id } = useEvent();
  const { cursor, ...rest } = search;
  if (cursor === undefined && next === undefined) return null;
  return (
    <nav className={styles['acts']} aria-label={t('guests.pages')}>
      {cursor !== undefined && (
        <Link to="/events/$id/guests" params={{ id }} search={rest} className="button">
          {t('guests.newest')}
        </Link>
      )}
      {next !== undefined && (
        <Link to="/events/$id/guests" params={{ id }} search={{ ...rest, cursor: next }} className="button">
          {t('guests.older')}
        </Link>
      )}
    </nav>
  );
}
