import { Link } from '@tanstack/react-router';
import { useForm } from 'react-hook-form';
import { api } from '../shell/api';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { Field } from '../ui/Field';
import { Form } from '../ui/Form';
import { Notice } from '../ui/Notice';

/** "/reset": a link by mail to choose a new password. The answer is the same for every address. */
export function Reset() {
  const t = useT();
  const form = useForm({ defaultValues: { email: '' } });
  const ask = api.useMutation('post', '/api/v1/resets');
  return (
    <>
      <h1>{t('reset.heading')}</h1>
      {ask.isSuccess ? (
        <Notice kind="ok">
          <p>{t('reset.sent', { email: form.getValues('email') })}</p>
        </Notice>
      ) : (
        <Form
          form={form}
          error={ask.error}
          onSubmit={body => {
            ask.mutate({ body });
          }}
          fields={{ email: { label: t('field.email'), wrong: t('field.email.wrong') } }}
        >
          <Field
            control={form.control}
            name="email"
            label={t('field.email')}
            type="email"
            autoComplete="username"
            hint={t('reset.hint')}
          />
          <div>
            <Button type="submit" look="main" writes busy={ask.isPending}>
              {t('reset.act')}
            </Button>
          </div>
        </Form>
      )}
      <p>
        <Link to="/login">{t('reset.back')}</Link>
      </p>
    </>
  );
}
