import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useCallback, useEffect, useState } from 'react';
import { databaseAnswered, useOnline } from '../shell/health';
import { api, type MeshView } from '../shell/api';
import { asApiProblem } from '../shell/problem';
import { useT } from '../shell/words';
import { Loading } from '../ui/Loading';
import { ProblemPanel } from '../ui/Problem';
import { Alerts } from './Alerts';
import { Log } from './Log';
import { MapCard } from './MapCard';
import { Nodes } from './Nodes';
import { OpsOnly } from './OpsOnly';
import { FindSession } from './FindSession';
import { RaftCard } from './RaftCard';
import { Streams } from './Streams';
import { useFigures } from './figures';
import styles from './ops.module.css';

const everyMS = 1000;
/** From then on figures are old (UI, principle 2). */
const staleMS = 5000;

/** "/ops": the mesh as one control node sees it, and what is decided of its nodes. */
export function Ops() {
  const t = useT();
  return (
    <OpsOnly title={t('ops.title')}>
      <Console />
    </OpsOnly>
  );
}

function Console() {
  const t = useT();
  const now = useNow();
  const online = useOnline();
  const queries = useQueryClient();
  const mesh = api.useQuery('get', '/api/v1/ops/mesh', {}, { refetchInterval: everyMS });
  const away = mesh.data?.databaseAway;
  useEffect(() => {
    if (away !== undefined) databaseAnswered(!away);
  }, [away, mesh.dataUpdatedAt]);
  const ageMS = Math.max(0, now - mesh.dataUpdatedAt);
  const old = !online || mesh.isError || ageMS >= staleMS;
  const { refetch } = mesh;
  const again = () => void refetch();
  const changed = useCallback(async () => {
    await Promise.all([refetch(), queries.invalidateQueries({ queryKey: ['get', '/api/v1/ops/log'] })]);
  }, [queries, refetch]);
  return (
    <>
      {mesh.isPending && <Loading />}
      {mesh.isError && <ProblemPanel problem={asApiProblem(mesh.error)} again={again} />}
      {mesh.data && (
        <>
          <Head view={mesh.data} seconds={Math.floor(ageMS / 1000)} old={old} />
          <div className={`${styles['console'] ?? ''} ${old ? (styles['old'] ?? '') : ''}`}>
            <Alerts alerts={mesh.data.alerts} />
            <MapCard view={mesh.data} />
            <Nodes nodes={mesh.data.nodes} changed={changed} />
            <Streams view={mesh.data} />
            <RaftCard view={mesh.data} />
            <Log />
            <FindSession />
            <p>
              <Link to="/ops/links">{t('ops.links')}</Link> ·{' '}
              <Link to="/ops/identity">{t('ops.identity')}</Link>
            </p>
          </div>
        </>
      )}
    </>
  );
}

function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const tick = setInterval(() => {
      setNow(Date.now());
    }, everyMS);
    return () => {
      clearInterval(tick);
    };
  }, []);
  return now;
}

function Head({ view, seconds, old }: { view: MeshView; seconds: number; old: boolean }) {
  const t = useT();
  const { number } = useFigures();
  const live = view.streams.filter(stream => stream.live).length;
  const figures = [
    ['ops.nodes', number(view.nodes.length)],
    ['ops.streams', t('ops.live', { live, all: view.streams.length })],
    ['ops.viewers', number(view.viewers)],
    ['ops.alerts', number(view.alerts.length)],
  ] as const;
  return (
    <div>
      <dl className={styles['figures']}>
        {figures.map(([name, value]) => (
          <div key={name}>
            <dt>{t(name)}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p className={`small ${old ? (styles['stale'] ?? '') : 'muted'}`}>
        {t('ops.by', { node: view.node })} · {t(old ? 'ops.age.stale' : 'ops.age', { n: seconds })}
      </p>
    </div>
  );
}
