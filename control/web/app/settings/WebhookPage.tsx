import { useQuery } from '@tanstack/react-query';
import { Link, getRouteApi } from '@tanstack/react-router';
import { ArrowLeft } from 'lucide-react';
import { Known } from '../shell/Known';
import { NotAllowed } from '../shell/NotAllowed';
import { may } from '../shell/guard';
import { useMe } from '../shell/me';
import { asApiProblem } from '../shell/problem';
import { useWhen } from '../shell/when';
import { useT } from '../shell/words';
import { CopyButton } from '../ui/Copy';
import { Loading } from '../ui/Loading';
import { ProblemPanel } from '../ui/Problem';
import { Deliveries } from './Deliveries';
import { HookTag, Host } from './HookTag';
import { WebhookActs } from './WebhookActs';
import { type KnownWebhook, hookQuery, hookState } from './webhook';
import styles from './settings.module.css';

const route = getRouteApi('/inside/settings/webhooks/$id');

/** "/settings/webhooks/{id}": one webhook, what it was told and what came of it. */
export function WebhookPage() {
  const t = useT();
  if (!may(useMe(), 'edit-webhooks')) return <NotAllowed title={t('hook.title')} role="owner" />;
  return <Loaded />;
}

function Loaded() {
  const t = useT();
  const { id } = route.useParams();
  const hook = useQuery(hookQuery(id));
  return (
    <>
      <p>
        <Link to="/settings/webhooks" className={styles['back']}>
          <ArrowLeft size={18} aria-hidden />
          {t('hook.back')}
        </Link>
      </p>
      <div className={styles['head']}>
        <h1 className={styles['host']}>{hook.data ? <Host url={hook.data.url} /> : t('hook.title')}</h1>
        {hook.data && <HookTag hook={hook.data} />}
      </div>
      {hook.isPending && <Loading />}
      {!hook.data && hook.isError && (
        <ProblemPanel problem={asApiProblem(hook.error)} again={() => void hook.refetch()} />
      )}
      {hook.data && (
        <>
          <Known
            at={hook.dataUpdatedAt}
            problem={hook.isError ? asApiProblem(hook.error) : undefined}
            again={() => void hook.refetch()}
          >
            <About hook={hook.data} />
          </Known>
          <WebhookActs hook={hook.data} />
          <Deliveries id={id} />
        </>
      )}
    </>
  );
}

function About({ hook }: { hook: KnownWebhook }) {
  const t = useT();
  const when = useWhen();
  const { url, kinds, madeAt, offAt, failingSince, nextAt } = hook;
  const state = hookState(hook);
  return (
    <div className={styles['section']}>
      <div className={styles['once']}>
        <code className="mono">{url}</code>
        <CopyButton value={url} name={t('hook.url')} />
      </div>
      <p>{t('hook.tells', { kinds: kinds.map(kind => t(`hook.kind.${kind}`)).join(', ') })}</p>
      <p className="small muted">
        {t('hook.madeAt', { time: when(madeAt) })}
        {state === 'off' && ` · ${t('hook.off', { time: when(offAt ?? '') })}`}
      </p>
      {state === 'failing' && (
        <p>
          {nextAt === null
            ? t('hook.failing', { time: when(failingSince ?? '') })
            : t('hook.failing.next', { time: when(failingSince ?? ''), next: when(nextAt) })}
        </p>
      )}
    </div>
  );
}
