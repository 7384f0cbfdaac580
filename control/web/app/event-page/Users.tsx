import { useQueryClient } from '@tanstack/react-query';
import { Clock, UserMinus, UserPlus } from 'lucide-react';
import { useState } from 'react';
import { useForm } from 'react-hook-form';
import { api } from '../shell/api';
import { useOnline } from '../shell/health';
import { useOnce } from '../shell/once';
import { asApiProblem } from '../shell/problem';
import { useWhen } from '../shell/when';
import { useT, useWords } from '../shell/words';
import { Button, IconButton } from '../ui/Button';
import { AskFirst, Dialog } from '../ui/Dialog';
import { Field } from '../ui/Field';
import { Form } from '../ui/Form';
import { Loading } from '../ui/Loading';
import { Notice } from '../ui/Notice';
import { ProblemPanel } from '../ui/Problem';
import { Select } from '../ui/Select';
import { type Language, languageNames, languages } from '../ui/language';
import { NotInEvent } from './NotInEvent';
import { type EventUser, fullOf, mayIn, useEvent } from './event';
import styles from './event-page.module.css';

type Role = EventUser['role'];
const roles: readonly Role[] = ['organizer', 'collaborator', 'presenter'];

/** "/events/{id}/users": who has a role in this event alone. */
export function Users() {
  const t = useT();
  const event = useEvent();
  if (!mayIn(event, 'edit-users')) return <NotInEvent title={t('event.users')} event={event} />;
  return <UserList />;
}

function UserList() {
  const t = useT();
  const event = useEvent();
  const [adds, setAdds] = useState(false);
  const [added, setAdded] = useState('');
  const list = api.useQuery('get', '/api/v1/events/{id}/users', { params: { path: { id: event.id } } });
  return (
    <section className={styles['section']} aria-labelledby="users">
      <div className={styles['head']}>
        <h2 id="users">{t('event.users')}</h2>
        <Button
          look="main"
          writes
          onPress={() => {
            setAdds(true);
          }}
        >
          <UserPlus size={20} aria-hidden />
          {t('event.user.add')}
        </Button>
      </div>
      <p className="muted">{t('event.users.lead')}</p>
      {list.data?.some(({ email }) => email === added) && (
        <Notice kind="ok">{t('event.user.added', { email: added })}</Notice>
      )}
      {list.isPending && <Loading />}
      {list.isError && <ProblemPanel problem={asApiProblem(list.error)} again={() => void list.refetch()} />}
      {list.data?.length === 0 && <p>{t('event.users.none')}</p>}
      {list.data && list.data.length > 0 && (
        <ul className={styles['rows']}>
          {list.data.map(user => (
            <UserRow key={user.id} user={user} />
          ))}
        </ul>
      )}
      <Dialog
        open={adds}
        close={() => {
          setAdds(false);
        }}
        title={t('event.user.add')}
      >
        <AddForm
          close={() => {
            setAdds(false);
          }}
          onAdded={email => {
            setAdds(false);
            setAdded(email);
          }}
        />
      </Dialog>
    </section>
  );
}

function useRenew(): () => Promise<void> {
  const event = useEvent();
  const queries = useQueryClient();
  return () =>
    queries.invalidateQueries(
      api.queryOptions('get', '/api/v1/events/{id}/users', { params: { path: { id: event.id } } }),
    );
}

function AddForm({ close, onAdded }: { close: () => void; onAdded: (email: string) => void }) {
  const { t, language } = useWords();
  const event = useEvent();
  const renew = useRenew();
  const once = useOnce();
  const form = useForm<{ email: string; name: string; role: Role; language: Language }>({
    defaultValues: { email: '', name: '', role: 'presenter', language },
  });
  const add = api.useMutation('post', '/api/v1/events/{id}/users', {
    onSuccess: async user => {
      await renew();
      onAdded(user.email);
    },
  });
  return (
    <Form
      form={form}
      error={add.isError ? fullOf(add.error, 'full-users') : null}
      onSubmit={body => {
        add.mutate({ body, params: { path: { id: event.id }, header: once.header(body) } });
      }}
      fields={{
        email: { label: t('field.email'), wrong: t('field.email.wrong') },
        name: { label: t('members.name'), wrong: t('field.required') },
        role: { label: t('event.user.role'), wrong: t('field.choose') },
        language: { label: t('members.language'), wrong: t('field.choose') },
      }}
    >
      <Field control={form.control} name="email" label={t('field.email')} type="email" autoComplete="off" />
      <Field control={form.control} name="name" label={t('members.name')} autoComplete="off" maxLength={80} />
      <Select
        control={form.control}
        name="role"
        label={t('event.user.role')}
        choices={roles.map(role => ({ value: role, name: t(`event.role.${role}`) }))}
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

function UserRow({ user }: { user: EventUser }) {
  const t = useT();
  const when = useWhen();
  const online = useOnline();
  const event = useEvent();
  const renew = useRenew();
  const [asks, setAsks] = useState(false);
  const name = user.name === '' ? user.email : user.name;
  const path = { params: { path: { id: event.id, person: user.id } } };
  const setRole = api.useMutation('patch', '/api/v1/events/{id}/users/{person}', { onSuccess: renew });
  const remove = api.useMutation('delete', '/api/v1/events/{id}/users/{person}', {
    onSuccess: async () => {
      setAsks(false);
      await renew();
      document.getElementById('main')?.focus({ preventScroll: true }); // the row is gone, with the focus
    },
  });
  return (
    <li>
      <div className={styles['who']}>
        <strong>{name}</strong>
        {user.name !== '' && <span className="small muted">{user.email}</span>}
      </div>
      {user.joinedAt === null && (
        <span className={`${styles['tag'] ?? ''} ${styles['invited'] ?? ''}`}>
          <Clock size={14} aria-hidden />
          {t('members.since', { time: when(user.addedAt) })}
        </span>
      )}
      <div className={styles['ends']}>
        <select
          className={styles['select']}
          aria-label={t('members.role.of', { name })}
          value={setRole.isPending ? setRole.variables.body.role : user.role}
          disabled={!online || setRole.isPending}
          onChange={change => {
            const role = roles.find(known => known === change.target.value);
            if (role) setRole.mutate({ ...path, body: { role } });
          }}
        >
          {roles.map(role => (
            <option key={role} value={role}>
              {t(`role.${role}.name`)}
            </option>
          ))}
        </select>
        <IconButton
          name={t('members.remove', { name })}
          isDisabled={!online}
          onPress={() => {
            setAsks(true);
          }}
        >
          <UserMinus size={20} />
        </IconButton>
      </div>
      {setRole.isError && (
        <div className={styles['wide']}>
          <ProblemPanel problem={asApiProblem(setRole.error)} />
        </div>
      )}
      <AskFirst
        open={asks}
        close={() => {
          setAsks(false);
          remove.reset();
        }}
        title={t('members.remove.ask', { name })}
        text={t('event.user.remove.text', { email: user.email, title: event.title })}
        act={t('members.remove', { name })}
        busy={remove.isPending}
        problem={remove.isError ? asApiProblem(remove.error) : undefined}
        onAct={() => {
          remove.mutate(path);
        }}
      />
    </li>
  );
}
