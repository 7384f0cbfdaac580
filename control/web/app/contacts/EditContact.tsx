import { useForm } from 'react-hook-form';
import { api } from '../shell/api';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { Dialog } from '../ui/Dialog';
import { Field } from '../ui/Field';
import { Form } from '../ui/Form';
import { type Contact, nameOf } from './contacts';
import styles from './contacts.module.css';

interface Props {
  open: boolean;
  close: () => void;
  contact: Contact;
  onDone: () => Promise<void>;
}

export function EditContact({ open, close, contact, onDone }: Props) {
  const t = useT();
  return (
    <Dialog open={open} close={close} title={t('contacts.edit', { name: nameOf(contact) })}>
      <Editing close={close} contact={contact} onDone={onDone} />
    </Dialog>
  );
}

function Editing({ close, contact, onDone }: Omit<Props, 'open'>) {
  const t = useT();
  const { name, email, language } = contact;
  const form = useForm({ defaultValues: { name, email, language } });
  const edit = api.useMutation('patch', '/api/v1/contacts/{id}', {
    onSuccess: async () => {
      close();
      await onDone();
    },
  });
  return (
    <Form
      form={form}
      error={edit.error}
      onSubmit={body => {
        edit.mutate({
          body,
          params: { path: { id: contact.id }, header: { 'If-Match': [contact.etag] } },
        });
      }}
      fields={{
        name: { label: t('field.name'), wrong: t('people.bad.name') },
        email: { label: t('field.email'), wrong: t('field.email.wrong') },
        language: { label: t('contacts.language'), wrong: t('people.bad.language') },
      }}
    >
      <Field control={form.control} name="name" label={t('field.name')} autoComplete="off" maxLength={80} />
      <Field control={form.control} name="email" label={t('field.email')} type="email" autoComplete="off" />
      <Field
        control={form.control}
        name="language"
        label={t('contacts.language')}
        hint={t('contacts.language.hint')}
        autoComplete="off"
        maxLength={35}
      />
      <div className={styles['acts']}>
        <Button type="submit" look="main" writes busy={edit.isPending}>
          {t('contacts.save')}
        </Button>
        <Button onPress={close}>{t('cancel')}</Button>
      </div>
    </Form>
  );
}
