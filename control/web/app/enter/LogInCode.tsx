import { Link, getRouteApi } from '@tanstack/react-router';
import { useForm } from 'react-hook-form';
import { api } from '../shell/api';
import { useEnter, useStep } from '../shell/me';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { Field } from '../ui/Field';
import { Form } from '../ui/Form';
import { Notice } from '../ui/Notice';

const route = getRouteApi('/outside/login');

/** After a link was asked for; the same for every address. Whoever opens it elsewhere types the code that is shown there. */
export function LogInCode({ email }: { email: string }) {
  const t = useT();
  const { to } = route.useSearch();
  const enter = useEnter();
  const onError = useStep(to);
  const form = useForm({ defaultValues: { code: '' } });
  const use = api.useMutation('post', '/api/v1/log-in-links/code', {
    onSuccess: me => {
      enter(me, to);
    },
    onError,
  });
  return (
    <>
      <Notice kind="ok">
        <p>{email === '' ? t('logIn.sent') : t('logIn.sentTo', { email })}</p>
        <p>{t('logIn.sent.lasts')}</p>
      </Notice>
      <Form
        form={form}
        error={use.error}
        onSubmit={({ code }) => {
          use.mutate({ body: { code: code.replace(/\s/g, '') } });
        }}
        fields={{ code: { label: t('logIn.code'), wrong: t('logIn.code.rule') } }}
      >
        <Field
          control={form.control}
          name="code"
          label={t('logIn.code')}
          hint={t('logIn.code.hint')}
          inputMode="numeric"
          autoComplete="one-time-code"
          maxLength={12}
        />
        <div>
          <Button type="submit" look="main" writes busy={use.isPending}>
            {t('logIn.code.act')}
          </Button>
        </div>
      </Form>
      <p>
        <Link from="/login" to="/login" search={to === undefined ? {} : { to }}>
          {t('logIn.again')}
        </Link>
      </p>
    </>
  );
}
