import { useQueryClient } from '@tanstack/react-query';
import { useForm } from 'react-hook-form';
import { type Role, api } from '../shell/api';
import { useWords } from '../shell/words';
import { Button } from '../ui/Button';
import { Dialog } from '../ui/Dialog';
import { Field } from '../ui/Field';
import { Form } from '../ui/Form';
import { Select } from '../ui/Select';
import { type Language, languageNames, languages } from '../ui/language';
import { roles } from './roles';
import styles from './settings.module.css';

interface Props {
  open: boolean;
  close: () => void;
  onInvited: (email: string) => void;
}

export function InviteDialog({ open, close, onInvited }: Props) {
  const { t } = useWords();
  return (
    <Dialog open={open} close={close} title={t('members.invite.title')}>
      <InviteForm close={close} onInvited={onInvited} />
    </Dialog>
  );
}

function InviteForm({ close, onInvited }: Omit<Props, 'open'>) {
  const { t, language } = useWords();
  const queries = useQueryClient();
  const form = useForm<{ email: string; name: string; role: Role; language: Language }>({
    defaultValues: { email: '', name: '', role: 'organizer', language },
  });
  const add = api.useMutation('post', '/api/v1/members', {
    onSuccess: async member => {
      await queries.invalidateQueries(api.queryOptions('get', '/api/v1/members'));
      onInvited(member.email);
    },
  });
  return (
    <Form
      form={form}
      error={add.error}
      onSubmit={body => {
        add.mutate({ body });
      }}
      fields={{
        email: { label: t('field.email'), wrong: t('field.email.wrong') },
        name: { label: t('field.name'), wrong: t('field.required') },
        role: { label: t('members.role'), wrong: t('field.choose') },
        language: { label: t('members.language'), wrong: t('field.choose') },
      }}
    >
      <Field control={form.control} name="email" label={t('field.email')} type="email" autoComplete="off" />
      <Field control={form.control} name="name" label={t('members.name')} autoComplete="off" maxLength={80} />
      <Select
        control={form.control}
        name="role"
        label={t('members.role')}
        choices={roles.map(role => ({ value: role, name: t(`role.${role}.long`) }))}
      />
      <Select
        control={form.control}
        name="language"
        label={t('members.language')}
        choices={languages.map(value => ({ value, name: languageNames[value], lang: value }))}
      />
      <div className={styles['acts']}>
        <Button type="submit" look="main" writes busy={add.isPending}>
          {t('members.invite.act')}
        </Button>
        <Button onPress={close}>{t('cancel')}</Button>
      </div>
    </Form>
  );
}
