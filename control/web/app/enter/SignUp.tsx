import { Link } from '@tanstack/react-router';
import { useForm } from 'react-hook-form';
import { api } from '../shell/api';
import { useWords } from '../shell/words';
import { Button } from '../ui/Button';
import { Field } from '../ui/Field';
import { Form } from '../ui/Form';
import { Notice } from '../ui/Notice';
import { timeZoneHere } from './newcomer';

/** "/signup": the account is made once the mail's link is opened. The answer is the same for every address. */
export function SignUp() {
  const { t, language } = useWords();
  const form = useForm({ defaultValues: { account: '', name: '', email: '' } });
  const ask = api.useMutation('post', '/api/v1/sign-ups');
  return (
    <>
      <h1>{t('signUp.heading')}</h1>
      {ask.isSuccess ? (
        <Notice kind="ok">
          <p>{t('signUp.sent', { email: form.getValues('email') })}</p>
        </Notice>
      ) : (
        <Form
          form={form}
          error={ask.error}
          onSubmit={values => {
            ask.mutate({ body: { ...values, language, timeZone: timeZoneHere() } });
          }}
          fields={{
            account: { label: t('field.account'), wrong: t('field.required') },
            name: { label: t('field.name'), wrong: t('field.required') },
            email: { label: t('field.email'), wrong: t('field.email.wrong') },
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
            autoComplete="email"
          />
          <div>
            <Button type="submit" look="main" writes busy={ask.isPending}>
              {t('signUp.act')}
            </Button>
          </div>
        </Form>
      )}
      <p className="muted">
        {t('signUp.known')} <Link to="/login">{t('logIn.title')}</Link>
      </p>
    </>
  );
}
