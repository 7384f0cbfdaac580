import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Known } from '../shell/Known';
import { type Device, api } from '../shell/api';
import { asApiProblem } from '../shell/problem';
import { useWhen } from '../shell/when';
import { type T, useT } from '../shell/words';
import { Button } from '../ui/Button';
import { AskFirst } from '../ui/Dialog';
import { Loading } from '../ui/Loading';
import { ProblemPanel } from '../ui/Problem';
import { browserOf } from './browser';
import styles from './settings.module.css';

/** Where one is logged in, and the way out of each. */
export function Browsers() {
  const t = useT();
  const list = api.useQuery('get', '/api/v1/me/log-ins');
  const others = list.data?.filter(device => !device.here).length ?? 0;
  return (
    <section className={styles['section']} aria-labelledby="browsers">
      <h2 id="browsers">{t('security.browsers')}</h2>
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
          <ul className={styles['rows']}>
            {list.data.map(device => (
              <Row key={device.id} device={device} />
            ))}
          </ul>
        </Known>
      )}
      {others > 0 && <EndOthers others={others} />}
    </section>
  );
}

function useAfterEnd() {
  const queries = useQueryClient();
  return () => queries.invalidateQueries(api.queryOptions('get', '/api/v1/me/log-ins'));
}

function Row({ device }: { device: Device }) {
  const t = useT();
  const when = useWhen();
  const end = api.useMutation('delete', '/api/v1/me/log-ins/{id}', { onSuccess: useAfterEnd() });
  const name = nameOf(device, t);
  return (
    <li>
      <div className={styles['who']}>
        <strong>{name}</strong>
        <span className="small muted">
          {t('security.browser.seen', { seen: when(device.seenAt), began: when(device.beganAt) })}
        </span>
        <span className="small muted mono">{device.address}</span>
      </div>
      <div className={styles['ends']}>
        {device.here ? (
          <span className={`${styles['tag'] ?? ''} ${styles['here'] ?? ''}`}>
            {t('security.browser.here')}
          </span>
        ) : (
          <Button
            writes
            aria-label={t('security.browser.end.named', { name })}
            busy={end.isPending}
            onPress={() => {
              end.mutate({ params: { path: { id: device.id } } });
            }}
          >
            {t('security.browser.end')}
          </Button>
        )}
      </div>
      {end.isError && (
        <div className={styles['wide']}>
          <ProblemPanel problem={asApiProblem(end.error)} />
        </div>
      )}
    </li>
  );
}

function nameOf(device: Device, t: T): string {
  const { browser, system } = browserOf(device.agent);
  if (browser !== '' && system !== '') return t('security.browser.on', { browser, system });
  return browser || system || t('security.browser.unknown');
}

function EndOthers({ others }: { others: number }) {
  const t = useT();
  const [asks, setAsks] = useState(false);
  const after = useAfterEnd();
  const end = api.useMutation('delete', '/api/v1/me/log-ins', {
    onSuccess: async () => {
      setAsks(false);
      await after();
    },
  });
  return (
    <div>
      <Button
        writes
        onPress={() => {
          setAsks(true);
        }}
      >
        {t('security.others')}
      </Button>
      <AskFirst
        open={asks}
        close={() => {
          setAsks(false);
        }}
        title={t('security.others.ask', { n: others })}
        text={t('security.others.text')}
        act={t('security.others')}
        busy={end.isPending}
        problem={end.isError ? asApiProblem(end.error) : undefined}
        onAct={() => {
          end.mutate({});
        }}
      />
    </div>
  );
}
