import { Link, getRouteApi } from '@tanstack/react-router';
import { Known } from '../shell/Known';
import { NotAllowed } from '../shell/NotAllowed';
import { type AuditEntry, api } from '../shell/api';
import { may } from '../shell/guard';
import { useMe } from '../shell/me';
import { asApiProblem } from '../shell/problem';
import { useWhen } from '../shell/when';
import { useT } from '../shell/words';
import { Loading } from '../ui/Loading';
import { ProblemPanel } from '../ui/Problem';
import { actOf } from './act';
import styles from './settings.module.css';

const route = getRouteApi('/inside/settings/audit');

/** "/settings/audit": who did what, a page at a time; which one stands in the address. */
export function Audit() {
  const t = useT();
  const me = useMe();
  if (!may(me, 'see-audit')) return <NotAllowed title={t('audit.title')} role="owner" />;
  return <Entries />;
}

function Entries() {
  const t = useT();
  const { cursor } = route.useSearch();
  const members = api.useQuery('get', '/api/v1/members'); // for the names of whom things were done to
  const names = new Map(members.data?.map(({ id, name, email }) => [`person/${id}`, name || email]));
  const page = api.useQuery('get', '/api/v1/audit', {
    params: { query: cursor === undefined ? {} : { cursor } },
  });
  return (
    <>
      <h1>{t('audit.title')}</h1>
      <p className="muted">{t('audit.lead')}</p>
      {page.isPending && <Loading />}
      {!page.data && page.isError && (
        <ProblemPanel problem={asApiProblem(page.error)} again={() => void page.refetch()} />
      )}
      {page.data && (
        <Known
          at={page.dataUpdatedAt}
          problem={page.isError ? asApiProblem(page.error) : undefined}
          again={() => void page.refetch()}
        >
          {page.data.entries.length === 0 ? (
            <p>{t('audit.empty')}</p>
          ) : (
            <ol className={styles['rows']}>
              {page.data.entries.map(entry => (
                <Entry key={entry.number} entry={entry} names={names} />
              ))}
            </ol>
          )}
        </Known>
      )}
      {(cursor !== undefined || page.data?.next !== undefined) && (
        <nav className={styles['acts']} aria-label={t('audit.pages')}>
          {cursor !== undefined && (
            <Link to="/settings/audit" className="button">
              {t('audit.newest')}
            </Link>
          )}
          {page.data?.next !== undefined && (
            <Link to="/settings/audit" search={{ cursor: page.data.next }} className="button">
              {t('audit.older')}
            </Link>
          )}
        </nav>
      )}
    </>
  );
}

function Entry({ entry, names }: { entry: AuditEntry; names: ReadonlyMap<string, string> }) {
  const t = useT();
  const when = useWhen();
  const who = { person: entry.name || t('audit.gone'), key: t('audit.key'), system: t('audit.system') }[
    entry.actor
  ];
  return (
    <li>
      <div className={styles['who']}>
        <strong>{actOf(entry, names, t)}</strong>
        <span className="small muted">
          {who} · {entry.network}
        </span>
      </div>
      <time className="small muted figure" dateTime={entry.at}>
        {when(entry.at)}
      </time>
    </li>
  );
}
