import { useQueryClient } from '@tanstack/react-query';
import { useForm } from 'react-hook-form';
import { api } from '../shell/api';
import { meQuery, useMe } from '../shell/me';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { Field } from '../ui/Field';
import { Form } from '../ui/Form';
import { Notice } from '../ui/Notice';
import styles from './settings.module.css';

/** Another password, or the first; all other browsers are logged out. */
export function Password() {
  const t = useT();
  const me = useMe();
  const queries = useQueryClient();
  const form = useForm({ defaultValues: { old: '', new: '' } });
  const set = api.useMutation('put', '/api/v1/me/password', {
    onSuccess: async () => {
      form.reset();
      await queries.invalidateQueries(meQuery);
      await queries.invalidateQueries(api.queryOptions('get', '/api/v1/me/log-ins'));
    },
  });
  return (
    <section className={styles['section']} aria-labelledby="password">
      <h2 id="password">{t(me.password ? 'security.password' : 'security.password.first')}</h2>
      <p className="muted">{t('security.password.text')}</p>
      <Form
        form={form}
        error={set.error}
        onSubmit={values => {
          set.mutate({ body: me.password ? values : { new: values.new } });
        }}
        fields={{
          old: { label: t('security.password.old'), wrong: t('security.password.old.wrong') },
          new: { label: t('field.password.new'), wrong: t('field.password.rule') },
        }}
      >
        <input type="hidden" autoComplete="username" value={me.email} />
        {me.password && (
          <Field
            control={form.control}
            name="old"
            label={t('security.password.old')}
            type="password"
            autoComplete="current-password"
          />
        )}
        <Field
          control={form.control}
          name="new"
          label={t('field.password.new')}
          hint={t('field.password.rule')}
          type="password"
          autoComplete="new-password"
        />
        <div className={styles['acts']}>
          <Button type="submit" look="main" writes busy={set.isPending}>
            {t('security.password.act')}
          </Button>
        </div>
        {set.isSuccess && !form.formState.isDirty && <Notice kind="ok">{t('security.password.done')}</Notice>}
      </Form>
    </section>
  );
}
