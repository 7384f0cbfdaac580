import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Known } from '../shell/Known';
import { type Passkey, api } from '../shell/api';
import { passkeysAt, passkeysHere } from '../shell/passkey';
import { asApiProblem } from '../shell/problem';
import { useWhen } from '../shell/when';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { AskFirst } from '../ui/Dialog';
import { Loading } from '../ui/Loading';
import { ProblemPanel } from '../ui/Problem';
import { AddPasskey } from './AddPasskey';
import styles from './settings.module.css';

function useChanged() {
  const queries = useQueryClient();
  return () => queries.invalidateQueries(api.queryOptions('get', '/api/v1/me/passkeys'));
}

/** Passkeys that log the person in, and the way to one more. */
export function Passkeys() {
  const t = useT();
  const list = api.useQuery('get', '/api/v1/me/passkeys');
  const changed = useChanged();
  const [adds, setAdds] = useState(false);
  return (
    <section className={styles['section']} aria-labelledby="passkeys">
      <h2 id="passkeys">{t('passkeys.title')}</h2>
      <p className="muted">{t('passkeys.text')}</p>
      {list.isPending && <Loading />}
      {!list.data && list.isError && (
        <ProblemPanel problem={asApiProblem(list.error)} again={() => void list.refetch()} />
      )}
      {list.data && list.data.length > 0 && (
        <Known
          at={list.dataUpdatedAt}
          problem={list.isError ? asApiProblem(list.error) : undefined}
          again={() => void list.refetch()}
        >
          <ul className={styles['rows']}>
            {list.data.map(passkey => (
              <Row key={passkey.id} passkey={passkey} />
            ))}
          </ul>
        </Known>
      )}
      {list.data &&
        (passkeysHere() ? (
          <div>
            <Button
              writes
              onPress={() => {
                setAdds(true);
              }}
            >
              {t('passkey.add')}
            </Button>
          </div>
        ) : (
          <Elsewhere />
        ))}
      <AddPasskey
        open={adds}
        close={() => {
          setAdds(false);
        }}
        onDone={changed}
      />
    </section>
  );
}

/** Why none can be made here, and where one can. */
function Elsewhere() {
  const t = useT();
  const there = passkeysAt();
  return there === '' ? (
    <p>{t('problem.passkeysOff')}</p>
  ) : (
    <p>
      {t('passkeys.elsewhere')} <a href={there}>{there}</a>
    </p>
  );
}

function Row({ passkey }: { passkey: Passkey }) {
  const t = useT();
  const when = useWhen();
  const changed = useChanged();
  const [asks, setAsks] = useState(false);
  const remove = api.useMutation('delete', '/api/v1/me/passkeys/{id}', {
    onSuccess: async () => {
      setAsks(false);
      await changed();
    },
  });
  const { name, madeAt, usedAt } = passkey;
  return (
    <li>
      <div className={styles['who']}>
        <strong>{name}</strong>
        <span className="small muted">
          {usedAt === null
            ? t('passkey.unused', { made: when(madeAt) })
            : t('passkey.used', { used: when(usedAt), made: when(madeAt) })}
        </span>
      </div>
      <div className={styles['ends']}>
        <Button
          writes
          aria-label={t('passkey.remove.named', { name })}
          onPress={() => {
            setAsks(true);
          }}
        >
          {t('passkey.remove')}
        </Button>
      </div>
      <AskFirst
        open={asks}
        close={() => {
          setAsks(false);
        }}
        title={t('passkey.remove.ask', { name })}
        text={t('passkey.remove.text')}
        act={t('passkey.remove.act')}
        busy={remove.isPending}
        problem={remove.isError ? asApiProblem(remove.error) : undefined}
        onAct={() => {
          remove.mutate({ params: { path: { id: passkey.id } } });
        }}
      />
    </li>
  );
}
