import { Link, getRouteApi } from '@tanstack/react-router';
import { api } from '../shell/api';
import { useEnter, useStep } from '../shell/me';
import { asApiProblem } from '../shell/problem';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { CopyButton } from '../ui/Copy';
import { Loading } from '../ui/Loading';
import { ProblemPanel } from '../ui/Problem';
import { DeadLink } from './DeadLink';
import styles from './LogInLink.module.css';

const route = getRouteApi('/outside/login/link/$token');

/** "/login/link/{token}": opening it does nothing, since mail programs open links too; a press logs in. */
export function LogInLink() {
  const t = useT();
  const { token } = route.useParams();
  const enter = useEnter();
  const onError = useStep();
  const link = api.useQuery('post', '/api/v1/log-in-links/open', { body: { token } });
  const use = api.useMutation('post', '/api/v1/log-in-links/use', {
    onSuccess: me => {
      enter(me);
    },
    onError,
  });
  if (link.isPending) return <Loading />;
  const problem = use.error ?? link.error;
  const dead = problem !== null && asApiProblem(problem).kind === 'link-dead';
  return (
    <>
      <h1>{t('logIn.heading')}</h1>
      {dead ? (
        <DeadLink again="/login" />
      ) : link.isError ? (
        <ProblemPanel problem={asApiProblem(link.error)} again={() => void link.refetch()} />
      ) : link.data.here ? (
        <>
          {use.isError && <ProblemPanel problem={asApiProblem(use.error)} />}
          <div>
            <Button
              look="main"
              writes
              busy={use.isPending}
              onPress={() => {
                use.mutate({ body: { token } });
              }}
            >
              {t('logIn.as', { email: link.data.email })}
            </Button>
          </div>
        </>
      ) : (
        <>
          <p>{t('logIn.elsewhere', { email: link.data.email })}</p>
          <p className={styles['code']}>
            <strong aria-label={link.data.code}>{spaced(link.data.code ?? '')}</strong>
            <CopyButton value={link.data.code ?? ''} name={t('logIn.code')} />
          </p>
          <p className="muted">
            {t('logIn.elsewhere.here')} <Link to="/login">{t('link.again')}</Link>
          </p>
        </>
      )}
    </>
  );
}

/** "123456" as "123 456". */
function spaced(code: string): string {
  return `${code.slice(0, 3)}\u00a0${code.slice(3)}`;
}
