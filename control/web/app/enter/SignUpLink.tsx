import { getRouteApi } from '@tanstack/react-router';
import { api } from '../shell/api';
import { useEnter } from '../shell/me';
import { useT } from '../shell/words';
import { ChoosePassword } from './ChoosePassword';

const route = getRouteApi('/outside/signup/$token');

/** "/signup/{token}": a password, and the account is there. */
export function SignUpLink() {
  const t = useT();
  const { token } = route.useParams();
  const enter = useEnter();
  const use = api.useMutation('post', '/api/v1/sign-ups/use', {
    onSuccess: me => {
      enter(me);
    },
  });
  return (
    <>
      <h1>{t('signUp.heading')}</h1>
      <ChoosePassword
        lead={t('signUp.link.lead')}
        act={t('signUp.link.act')}
        again="/signup"
        busy={use.isPending}
        error={use.error}
        onChoose={password => {
          use.mutate({ body: { token, password } });
        }}
      />
    </>
  );
}
