import { useMutation } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { KeyRound } from 'lucide-react';
import { client } from '../shell/api';
import { useEnter } from '../shell/me';
import { passkeysHere, signByPasskey } from '../shell/passkey';
import { asApiProblem } from '../shell/problem';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { ProblemPanel } from '../ui/Problem';
import styles from './ByPasskey.module.css';

const route = getRouteApi('/outside/login');

/** Logs in by a passkey, without an address; nothing where this page has none. */
export function ByPasskey() {
  const t = useT();
  const { to } = route.useSearch();
  const enter = useEnter();
  const logIn = useMutation({
    mutationFn: async () => {
      const { data: asked } = await client.POST('/api/v1/log-in/passkey/challenge');
      if (!asked) throw new TypeError('an answer without a challenge');
      const { data: me } = await client.POST('/api/v1/log-in/passkey', { body: await signByPasskey(asked) });
      if (!me) throw new TypeError('an answer without a person');
      return me;
    },
    onSuccess: me => {
      enter(me, to);
    },
  });
  if (!passkeysHere()) return null;
  return (
    <div className={styles['passkey']}>
      {logIn.isError && <ProblemPanel problem={asApiProblem(logIn.error)} />}
      <Button
        writes
        busy={logIn.isPending}
        onPress={() => {
          logIn.mutate();
        }}
      >
        <KeyRound size={20} aria-hidden />
        {t('logIn.passkey.act')}
      </Button>
    </div>
  );
}
