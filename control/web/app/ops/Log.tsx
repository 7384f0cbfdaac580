import { api, type MeshEntry } from '../shell/api';
import { useMe } from '../shell/me';
import { asApiProblem } from '../shell/problem';
import { useWhen } from '../shell/when';
import { useT } from '../shell/words';
import { Loading } from '../ui/Loading';
import { ProblemPanel } from '../ui/Problem';
import styles from './ops.module.css';

const everyMS = 5000;

/** What was done to the cluster, newest first: what, by whom, when, and what became of it. */
export function Log() {
  const t = useT();
  const log = api.useQuery('get', '/api/v1/ops/log', {}, { refetchInterval: everyMS });
  return (
    <section aria-labelledby="log" className={styles['section']}>
      <h2 id="log">{t('ops.log')}</h2>
      {log.isPending && <Loading />}
      {log.isError && <ProblemPanel problem={asApiProblem(log.error)} again={() => void log.refetch()} />}
      {log.data?.length === 0 && <p>{t('ops.log.none')}</p>}
      {log.data && log.data.length > 0 && (
        <ol className={styles['log']} tabIndex={0} aria-labelledby="log">
          {log.data.map(entry => (
            <Row key={[entry.at, entry.by, entry.action, entry.node].join(' ')} entry={entry} />
          ))}
        </ol>
      )}
    </section>
  );
}

function Row({ entry }: { entry: MeshEntry }) {
  const t = useT();
  const when = useWhen();
  const me = useMe();
  const { action, outcome, person, asked, by, why } = entry;
  const role = entry.role === 'control' || entry.role === 'origin' ? entry.role : 'edge';
  const who =
    person === undefined
      ? t('ops.log.command', { node: asked ?? by })
      : person === me.id
        ? t('ops.log.you')
        : t('ops.log.person', { id: person });
  return (
    <li>
      <strong>{t(`ops.log.${action}`, { node: entry.node ?? '', role: t(`ops.role.${role}`) })}</strong>
      <span className={outcome === 'done' ? undefined : styles['undone']}>{t(`ops.log.${outcome}`)}</span>
      <span className="small muted">
        <time dateTime={entry.at}>{when(entry.at)}</time> · {who} · {t('ops.log.by', { node: by })}
      </span>
      {why !== undefined && (
        <span className="small" lang="en">
          {why}
        </span>
      )}
    </li>
  );
}
