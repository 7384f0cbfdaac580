import { Link } from '@tanstack/react-router';
import { useT } from '../shell/words';
import { type Search } from './contacts';
import styles from './contacts.module.css';

/** The ways to other pages of the list. */
export function Pages({
  search,
  group,
  next,
}: {
  search: Search;
  group: string | undefined;
  next: string | undefined;
}) {
  const t = useT();
  const { cursor, ...rest } = search;
  if (cursor === undefined && next === undefined) return null;
  const way = (text: string, to: Search) =>
    group === undefined ? (
      <Link to="/contacts" search={to} className="button">
        {text}
      </Link>
    ) : (
      <Link to="/contacts/groups/$id" params={{ id: group }} search={to} className="button">
        {text}
      </Link>
    );
  return (
    <nav className={styles['acts']} aria-label={t('guests.pages')}>
      {cursor !== undefined && way(t('contacts.first'), rest)}
      {next !== undefined && way(t('contacts.next'), { ...rest, cursor: next })}
    </nav>
  );
}
