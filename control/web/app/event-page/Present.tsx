import { api } from '../shell/api';
import { asApiProblem } from '../shell/problem';
import { useWhen } from '../shell/when';
import { useWords } from '../shell/words';
import { ProblemPanel } from '../ui/Problem';
import { mayIn, useEvent } from './event';
import styles from './event-page.module.css';

const shown = 20;
const askAgainMS = 10_000;

/** Who is in the lobby or watches, for those who may know; nothing while nobody could be there. */
export function Present() {
  const { t } = useWords();
  const when = useWhen();
  const event = useEvent();
  const open = event.state === 'scheduled' || event.state === 'preparation' || event.state === 'live';
  const list = api.useQuery(
    'get',
    '/api/v1/events/{id}/present',
    { params: { path: { id: event.id }, query: { limit: shown } } },
    { enabled: open && mayIn(event, 'see-guests'), refetchInterval: askAgainMS },
  );
  const data = list.data;
  if (!open || !mayIn(event, 'see-guests') || (!data && !list.isError)) return null;
  return (
    <section className={styles['section']} aria-labelledby="present">
      <h2 id="present">{t('event.present', { n: data?.total ?? 0 })}</h2>
      {list.isError && <ProblemPanel problem={asApiProblem(list.error)} again={() => void list.refetch()} />}
      {data?.total === 0 && <p className="muted">{t('event.present.none')}</p>}
      {data && data.total > 0 && (
        <ul className={styles['rows']}>
          {data.present.map(one => (
            <li key={one.session}>
              <div className={styles['who']}>
                <strong>{one.name === '' ? t('event.present.nameless') : one.name}</strong>
                <span className="small muted">{one.email}</span>
              </div>
              <span className="small muted">
                {t(`event.present.${one.way}`)} · {when(one.beganAt)}
              </span>
            </li>
          ))}
        </ul>
      )}
      {data && data.total > data.present.length && (
        <p className="small muted">{t('event.present.more', { n: data.total - data.present.length })}</p>
      )}
    </section>
  );
}
