import { useQueryClient } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { Known } from '../shell/Known';
import { NotAllowed } from '../shell/NotAllowed';
import { api } from '../shell/api';
import { may } from '../shell/guard';
import { useMe } from '../shell/me';
import { asApiProblem } from '../shell/problem';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { Loading } from '../ui/Loading';
import { ProblemPanel } from '../ui/Problem';
import { KeyRow } from './KeyRow';
import { MakeKey } from './MakeKey';
import { ShownOnce } from './ShownOnce';
import styles from './settings.module.css';

/** "/settings/api-keys": keys by which programs use the API in the account's name. */
export function Keys() {
  const t = useT();
  if (!may(useMe(), 'edit-keys')) return <NotAllowed title={t('keys.title')} role="owner" />;
  return <KeyList />;
}

function KeyList() {
  const t = useT();
  const queries = useQueryClient();
  const [makes, setMakes] = useState(false);
  const [made, setMade] = useState<{ name: string; key: string }>();
  const list = api.useQuery('get', '/api/v1/keys');
  const changed = () => queries.invalidateQueries(api.queryOptions('get', '/api/v1/keys'));
  return (
    <>
      <div className={styles['head']}>
        <h1>{t('keys.title')}</h1>
        <Button
          look="main"
          writes
          onPress={() => {
            setMakes(true);
          }}
        >
          <Plus size={20} aria-hidden />
          {t('keys.new')}
        </Button>
      </div>
      <p className="muted">
        {t('keys.lead')} <a href="/docs/api">{t('keys.docs')}</a>
      </p>
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
          {list.data.length === 0 ? (
            <p>{t('keys.none')}</p>
          ) : (
            <ul className={styles['rows']}>
              {list.data.map(key => (
                <KeyRow key={key.id} apiKey={key} at={list.dataUpdatedAt} changed={changed} />
              ))}
            </ul>
          )}
        </Known>
      )}
      <MakeKey
        open={makes}
        close={() => {
          setMakes(false);
        }}
        changed={changed}
        onMade={key => {
          setMakes(false);
          setMade(key);
        }}
      />
      <ShownOnce
        value={made?.key}
        title={t('key.made', { name: made?.name ?? '' })}
        name={t('key.value')}
        text={t('key.use')}
        close={() => {
          setMade(undefined);
        }}
      />
    </>
  );
}
