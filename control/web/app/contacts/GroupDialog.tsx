import { useForm } from 'react-hook-form';
import { api } from '../shell/api';
import { useOnce } from '../shell/once';
import { asApiProblem } from '../shell/problem';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { Dialog } from '../ui/Dialog';
import { Field } from '../ui/Field';
import { Form } from '../ui/Form';
import { type Group } from './contacts';
import styles from './contacts.module.css';

interface Props {
  open: boolean;
  close: () => void;
  /** The one to be called otherwise; without, a new one is made. */
  group?: Group;
  onDone: (group: Group) => Promise<void>;
}

export function GroupDialog({ open, close, group, onDone }: Props) {
  const t = useT();
  return (
    <Dialog open={open} close={close} title={t(group ? 'contacts.group.rename' : 'contacts.group.new')}>
      <Naming close={close} onDone={onDone} {...(group ? { group } : {})} />
    </Dialog>
  );
}

function Naming({ close, group, onDone }: Omit<Props, 'open'>) {
  const t = useT();
  const once = useOnce();
  const form = useForm({ defaultValues: { name: group?.name ?? '' } });
  const onSuccess = async (done: Group) => {
    once.done();
    close();
    await onDone(done);
  };
  const make = api.useMutation('post', '/api/v1/contact-groups', { onSuccess });
  const rename = api.useMutation('patch', '/api/v1/contact-groups/{id}', { onSuccess });
  const error = make.error ?? rename.error;
  const taken = error ? asApiProblem(error).kind === 'taken' : false;
  return (
    <Form
      form={form}
      error={taken ? undefined : error}
      onSubmit={body => {
        if (group) rename.mutate({ body, params: { path: { id: group.id } } });
        else make.mutate({ body, params: { header: once.header(body) } });
      }}
      fields={{ name: { label: t('contacts.group.name'), wrong: t('field.required') } }}
    >
      <Field
        control={form.control}
        name="name"
        label={t('contacts.group.name')}
        autoComplete="off"
        maxLength={80}
      />
      {taken && (
        <p className="problem" role="alert">
          {t('contacts.group.taken')}
        </p>
      )}
      <div className={styles['acts']}>
        <Button type="submit" look="main" writes busy={make.isPending || rename.isPending}>
          {t(group ? 'contacts.group.rename.act' : 'contacts.group.make')}
        </Button>
        <Button onPress={close}>{t('cancel')}</Button>
      </div>
    </Form>
  );
}
