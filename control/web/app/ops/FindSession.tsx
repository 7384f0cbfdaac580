import { useRouter } from '@tanstack/react-router';
import { useForm } from 'react-hook-form';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { Field } from '../ui/Field';
import { Form } from '../ui/Form';
import styles from './ops.module.css';
import { sessionOf } from './session';

/** Leads to why a session is where it is. */
export function FindSession() {
  const t = useT();
  const router = useRouter();
  const form = useForm({ defaultValues: { session: '' } });
  return (
    <search className={styles['find']}>
      <Form
        form={form}
        error={undefined}
        fields={{ session: { label: t('ops.find'), wrong: t('ops.find.wrong') } }}
        onSubmit={({ session }) => {
          const id = sessionOf(session);
          if (id === undefined) {
            form.setError('session', { message: t('ops.find.wrong') }, { shouldFocus: true });
          } else void router.navigate({ to: '/ops/sessions/$id', params: { id } });
        }}
      >
        <Field control={form.control} name="session" label={t('ops.find')} autoComplete="off" />
        <Button type="submit">{t('ops.find.act')}</Button>
      </Form>
    </search>
  );
}
