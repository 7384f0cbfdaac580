import { getRouteApi } from '@tanstack/react-router';
import { api } from '../shell/api';
import { useEnter, useStep } from '../shell/me';
import { useT } from '../shell/words';
import { ChoosePassword } from './ChoosePassword';

const route = getRouteApi('/outside/reset/$token');

/** "/reset/{token}": a new password; every other browser is logged out. */
export function ResetLink() {
  const t = useT();
  const { token } = route.useParams();
  const enter = useEnter();
  const onError = useStep();
  const use = api.useMutation('post', '/api/v1/resets/use', {
    onSuccess: me => {
      enter(me);
    },
    onError,
  });
  return (
    <>
      <h1>{t('reset.heading')}</h1>
      <ChoosePassword
        lead={t('reset.link.lead')}
        act={t('reset.link.act')}
        again="/reset"
        busy={use.isPending}
        error={use.error}
        onChoose={password => {
          use.mutate({ body: { token, password } });
        }}
      />
    </>
  );
}
