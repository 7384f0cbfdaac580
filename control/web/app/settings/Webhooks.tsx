import { Link, useNavigate } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { Known } from '../shell/Known';
import { NotAllowed } from '../shell/NotAllowed';
import { type Webhook, api } from '../shell/api';
import { may } from '../shell/guard';
import { useMe } from '../shell/me';
import { asApiProblem } from '../shell/problem';
import { useWhen } from '../shell/when';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { Loading } from '../ui/Loading';
import { ProblemPanel } from '../ui/Problem';
import { HookTag, Host } from './HookTag';
import { ShownOnce } from './ShownOnce';
import { WebhookDialog } from './WebhookDialog';
import { hostOf } from './webhook';
import styles from './settings.module.css';

/** "/settings/webhooks": programs elsewhere that are told what happens in the account. */
export function Webhooks() {
  const t = useT();
  if (!may(useMe(), 'edit-webhooks')) return <NotAllowed title={t('hooks.title')} role="owner" />;
  return <HookList />;
}

function HookList() {
  const t = useT();
  const navigate = useNavigate();
  const [makes, setMakes] = useState(false);
  const [made, setMade] = useState<{ id: string; url: string; secret: string }>();
  const list = api.useQuery('get', '/api/v1/webhooks');
  return (
    <>
      <div className={styles['head']}>
        <h1>{t('hooks.title')}</h1>
        <Button
          look="main"
          writes
          onPress={() => {
            setMakes(true);
          }}
        >
          <Plus size={20} aria-hidden />
          {t('hooks.new')}
        </Button>
      </div>
      <p className="muted">{t('hooks.lead')}</p>
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
            <p>{t('hooks.none')}</p>
          ) : (
            <ul className={styles['rows']}>
              {list.data.map(hook => (
                <Row key={hook.id} hook={hook} />
              ))}
            </ul>
          )}
        </Known>
      )}
      <WebhookDialog
        open={makes}
        close={() => {
          setMakes(false);
        }}
        onMade={hook => {
          setMakes(false);
          setMade(hook);
        }}
      />
      <ShownOnce
        value={made?.secret}
        title={t('hook.made', { host: hostOf(made?.url ?? '') })}
        name={t('hook.secret')}
        text={t('hook.secret.text')}
        close={() => {
          setMade(undefined);
          if (made) void navigate({ to: '/settings/webhooks/$id', params: { id: made.id } });
        }}
      />
    </>
  );
}

function Row({ hook }: { hook: Webhook }) {
  const t = useT();
  return (
    <li>
      <div className={styles['who']}>
        <strong>
          <Link to="/settings/webhooks/$id" params={{ id: hook.id }}>
            <Host url={hook.url} />
          </Link>
        </strong>
        <span className="small">{hook.kinds.map(kind => t(`hook.kind.${kind}`)).join(', ')}</span>
        <LastDelivery id={hook.id} />
      </div>
      <HookTag hook={hook} />
    </li>
  );
}

/** When the newest message was made, and what became of it; nothing where that cannot be read. */
function LastDelivery({ id }: { id: string }) {
  const t = useT();
  const when = useWhen();
  const { data } = api.useQuery('get', '/api/v1/webhooks/{id}/deliveries', {
    params: { path: { id }, query: { limit: 1 } },
  });
  const last = data?.deliveries[0];
  return (
    <span className="small muted">
      {last
        ? t('hook.last', { time: when(last.createdAt), state: t(`delivery.state.${last.state}`) })
        : data && t('hook.last.none')}
      {'\u00a0'}
    </span>
  );
}
