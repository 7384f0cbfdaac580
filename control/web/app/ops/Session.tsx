import { getRouteApi } from '@tanstack/react-router';
import { api, type SessionWhy } from '../shell/api';
import { asApiProblem } from '../shell/problem';
import { useWhen } from '../shell/when';
import { useT } from '../shell/words';
import { CopyAllButton } from '../ui/Copy';
import { Loading } from '../ui/Loading';
import { ProblemPanel } from '../ui/Problem';
import { FindSession } from './FindSession';
import { OpsOnly } from './OpsOnly';
import { useFigures } from './figures';
import styles from './ops.module.css';
import { candidateText, pathText, reportOf } from './session';

const route = getRouteApi('/inside/ops/sessions/$id');

/** "/ops/sessions/{id}": why a viewer's session was sent to its edge, and the way its streams take there. */
export function Session() {
  const t = useT();
  return (
    <OpsOnly title={t('ops.why.title')} below>
      <Answer />
    </OpsOnly>
  );
}

function Answer() {
  const { id } = route.useParams();
  const why = api.useQuery('get', '/api/v1/ops/sessions/{session}', { params: { path: { session: id } } });
  return (
    <>
      <FindSession key={id} />
      <p className="mono">{id}</p>
      {why.isPending && <Loading />}
      {why.isError && <ProblemPanel problem={asApiProblem(why.error)} again={() => void why.refetch()} />}
      {why.data && <Told session={id} why={why.data} />}
    </>
  );
}

function Told({ session, why }: { session: string; why: SessionWhy }) {
  const t = useT();
  const when = useWhen();
  const figures = useFigures();
  const place = [why.city, why.country].filter(part => part !== undefined && part !== '').join(', ');
  const rows = [
    ['ops.why.choice', why.choice ?? t('ops.why.none')],
    ['ops.why.at', when(why.at)],
    ['ops.why.viewer', place === '' ? (why.region ?? '–') : place],
    ['ops.why.by', t(why.measured ? 'ops.why.measured' : 'ops.why.guessed')],
  ] as const;
  return (
    <div className={styles['console']}>
      <dl className={styles['figures']}>
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{t(name)}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <Candidates why={why} />
      {why.failed.length > 0 && (
        <ul className={styles['peers']}>
          {why.failed.map(({ node, at }) => (
            <li key={node}>
              {t('ops.why.fault', { node })} <span className="small muted">{when(at)}</span>
            </li>
          ))}
        </ul>
      )}
      <section aria-labelledby="paths" className={styles['section']}>
        <h2 id="paths">{t('ops.why.paths')}</h2>
        {why.paths.length === 0 ? (
          <p>{t('ops.why.paths.none')}</p>
        ) : (
          <ul className={styles['peers']}>
            {why.paths.map(path => (
              <li key={path.stream}>
                <strong className="mono">{path.stream}</strong> {pathText(path, t, figures)}
              </li>
            ))}
          </ul>
        )}
      </section>
      <div className={styles['acts']}>
        <CopyAllButton value={reportOf(session, why, t, figures)}>{t('ops.why.copy')}</CopyAllButton>
      </div>
    </div>
  );
}

const columns = [
  'ops.node',
  'ops.region',
  'ops.why.distance',
  'ops.why.rtt',
  'ops.load',
  'ops.why.points',
  'ops.why.verdict',
] as const;

function Candidates({ why: { candidates, choice } }: { why: SessionWhy }) {
  const t = useT();
  const figures = useFigures();
  return (
    <section aria-labelledby="candidates" className={styles['section']}>
      <h2 id="candidates">{t('ops.why.candidates')}</h2>
      {candidates.length === 0 ? (
        <p>{t('ops.why.none')}</p>
      ) : (
        <table role="table" className={styles['nodes']} aria-labelledby="candidates">
          <thead role="rowgroup">
            <tr role="row">
              {columns.map(column => (
                <th key={column} role="columnheader" scope="col">
                  {t(column)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody role="rowgroup">
            {candidates.map(candidate => {
              const { distance, rtt, load, score, verdict } = candidateText(candidate, t, figures);
              const cells = [candidate.region ?? '–', distance, rtt, load, score];
              return (
                <tr key={candidate.node} role="row">
                  <th role="rowheader" scope="row" className="mono">
                    {candidate.node}
                  </th>
                  {cells.map((value, i) => (
                    <td key={columns[i + 1]} role="cell" data-name={t(columns[i + 1] ?? 'ops.node')}>
                      {value}
                    </td>
                  ))}
                  <td role="cell">
                    {[candidate.node === choice ? t('ops.why.chosen') : '', verdict]
                      .filter(Boolean)
                      .join(', ')}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
    </section>
  );
}
