import { Link } from '@tanstack/react-router';
import { useForm } from 'react-hook-form';
import { api } from '../shell/api';
import { useEnter } from '../shell/me';
import { asApiProblem } from '../shell/problem';
import { useT, useWords } from '../shell/words';
import { Button } from '../ui/Button';
import { Field } from '../ui/Field';
import { Form } from '../ui/Form';
import { Loading } from '../ui/Loading';
import { ProblemPanel } from '../ui/Problem';
import { timeZoneHere } from './newcomer';

/** "/setup": whoever comes first makes the first account. */
export function SetUp() {
  const t = useT();
  const setup = api.useQuery('get', '/api/v1/setup', {});
  if (setup.isPending) return <Loading />;
  return (
    <>
      <h1>{t('setUp.heading')}</h1>
      {setup.isError ? (
        <ProblemPanel problem={asApiProblem(setup.error)} again={() => void setup.refetch()} />
      ) : setup.data.needed ? (
        <FirstAccount />
      ) : (
        <>
          <p>{t('setUp.done')}</p>
          <p>
            <Link to="/login" className="button main">
              {t('logIn.title')}
            </Link>
          </p>
        </>
      )}
    </>
  );
}

function FirstAccount() {
  const { t, language } = useWords();
  const enter = useEnter();
  const form = useForm({ defaultValues: { account: '', name: '', email: '', password: '' } });
  const setUp = api.useMutation('post', '/api/v1/setup', {
    onSuccess: me => {
      enter(me);
    },
  });
  return (
    <>
      <p className="muted">{t('setUp.lead')}</p>
      <Form
        form={form}
        error={setUp.error}
        onSubmit={values => {
          setUp.mutate({ body: { ...values, language, timeZone: timeZoneHere() } });
        }}
        fields={{
          account: { label: t('field.account'), wrong: t('field.required') },
          name: { label: t('field.name'), wrong: t('field.required') },
          email: { label: t('field.email'), wrong: t('field.email.wrong') },
          password: { label: t('field.password'), wrong: t('field.password.rule') },
        }}
      >
        <Field
          control={form.control}
          name="account"
          label={t('field.account')}
          hint={t('field.account.hint')}
          autoComplete="organization"
          maxLength={80}
        />
        <Field
          control={form.control}
          name="name"
          label={t('field.name')}
          autoComplete="name"
          maxLength={80}
        />
        <Field
          control={form.control}
          name="email"
          label={t('field.email')}
          type="email"
          autoComplete="username"
        />
        <Field
          control={form.control}
          name="password"
          label={t('field.password')}
          hint={t('field.password.rule')}
          type="password"
          autoComplete="new-password"
        />
        <div>
          <Button type="submit" look="main" writes busy={setUp.isPending}>
            {t('setUp.act')}
          </Button>
        </div>
      </Form>
    </>
  );
}
