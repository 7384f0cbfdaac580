import { Link, getRouteApi } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useForm } from 'react-hook-form';
import { api } from '../shell/api';
import { useEnter } from '../shell/me';
import { asApiProblem } from '../shell/problem';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { Field } from '../ui/Field';
import { Form } from '../ui/Form';
import { ProblemPanel } from '../ui/Problem';
import { ByPasskey } from './ByPasskey';

const route = getRouteApi('/outside/login');

/** After the password or the link was right: a code of the app, or a recovery code. */
export function SecondStep() {
  const t = useT();
  const { to } = route.useSearch();
  const enter = useEnter();
  const form = useForm({ defaultValues: { code: '' } });
  const { setFocus } = form;
  useEffect(() => {
    setFocus('code');
  }, [setFocus]);
  const use = api.useMutation('post', '/api/v1/log-in/second-step', {
    onSuccess: me => {
      enter(me, to);
    },
  });
  const over = use.isError && asApiProblem(use.error).kind === 'log-in-over';
  const again = (
    <Link from="/login" to="/login" search={to === undefined ? {} : { to }}>
      {t('logIn.step.again')}
    </Link>
  );
  if (over)
    return (
      <>
        <ProblemPanel problem={asApiProblem(use.error)} />
        <p>{again}</p>
      </>
    );
  return (
    <>
      <p>{t('logIn.step.text')}</p>
      <Form
        form={form}
        error={use.error}
        onSubmit={body => {
          use.mutate({ body });
        }}
        fields={{ code: { label: t('logIn.step.code'), wrong: t('step.code.wrong') } }}
      >
        <Field
          control={form.control}
          name="code"
          label={t('logIn.step.code')}
          hint={t('logIn.step.code.hint')}
          autoComplete="one-time-code"
          maxLength={64}
        />
        <div>
          <Button type="submit" look="main" writes busy={use.isPending}>
            {t('logIn.step.act')}
          </Button>
        </div>
      </Form>
      <ByPasskey />
      <p>{again}</p>
    </>
  );
}
