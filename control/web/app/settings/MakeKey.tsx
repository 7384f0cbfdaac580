import { useForm } from 'react-hook-form';
import { api } from '../shell/api';
import { useMe } from '../shell/me';
import { useOnce } from '../shell/once';
import { asApiProblem, renamed } from '../shell/problem';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { DateTime } from '../ui/DateTime';
import { Dialog } from '../ui/Dialog';
import { Field } from '../ui/Field';
import { Form } from '../ui/Form';
import { Select } from '../ui/Select';
import { type KeyDraft, keyBody } from './key';
import styles from './settings.module.css';

interface Props {
  open: boolean;
  close: () => void;
  changed: () => Promise<void>;
  onMade: (key: { name: string; key: string }) => void;
}

export function MakeKey(props: Props) {
  const t = useT();
  return (
    <Dialog open={props.open} close={props.close} title={t('keys.new')}>
      <KeyForm {...props} />
    </Dialog>
  );
}

function KeyForm({ close, changed, onMade }: Props) {
  const t = useT();
  const { timeZone } = useMe();
  const form = useForm<KeyDraft>({ defaultValues: { name: '', scope: 'read', expiresAt: '' } });
  const once = useOnce();
  const make = api.useMutation('post', '/api/v1/keys', {
    onSuccess: async key => {
      onMade(key);
      await changed();
    },
    onError: async error => {
      if (asApiProblem(error).kind !== 'shown-once') return;
      once.done();
      await changed();
    },
  });
  return (
    <Form
      form={form}
      error={make.error && renamed(make.error, { full: 'full-keys', 'shown-once': 'lost-key' })}
      onSubmit={draft => {
        const body = keyBody(draft, timeZone);
        make.mutate({ body, params: { header: once.header(body) } });
      }}
      fields={{
        name: { label: t('key.name'), wrong: t('field.required') },
        expiresAt: { label: t('key.end'), wrong: t('key.end.wrong') },
      }}
    >
      <Field
        control={form.control}
        name="name"
        label={t('key.name')}
        hint={t('key.name.hint')}
        autoComplete="off"
        maxLength={80}
      />
      <Select
        control={form.control}
        name="scope"
        label={t('key.scope')}
        choices={[
          { value: 'read', name: t('key.scope.read') },
          { value: 'write', name: t('key.scope.write') },
        ]}
      />
      <DateTime
        control={form.control}
        name="expiresAt"
        label={t('key.end')}
        hint={t('key.end.hint', { zone: timeZone })}
        wrong={t('key.end.wrong')}
      />
      <div className={styles['acts']}>
        <Button type="submit" look="main" writes busy={make.isPending}>
          {t('key.make')}
        </Button>
        <Button onPress={close}>{t('cancel')}</Button>
      </div>
    </Form>
  );
}
