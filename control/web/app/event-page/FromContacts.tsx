import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useDeferredValue, useState } from 'react';
import { nameOf } from '../contacts/contacts';
import { Done } from '../people/PeopleForm';
import { said } from '../people/people';
import { api, client } from '../shell/api';
import { useOnce } from '../shell/once';
import { asApiProblem } from '../shell/problem';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { Dialog } from '../ui/Dialog';
import { Loading } from '../ui/Loading';
import { ProblemPanel } from '../ui/Problem';
import { Invites } from './AddGuests';
import { fullOf, useEvent } from './event';
import styles from './guests.module.css';

interface Props {
  open: boolean;
  close: () => void;
  onAdded: () => Promise<void>;
}

/** So many contacts are shown to choose from; more are found by searching. */
const shownAtOnce = 20;

/** Puts contacts on the list, and whole groups of them. */
export function FromContacts({ open, close, onAdded }: Props) {
  const t = useT();
  return (
    <Dialog open={open} close={close} title={t('guests.contacts.title')}>
      <Choosing close={close} onAdded={onAdded} />
    </Dialog>
  );
}

function Choosing({ close, onAdded }: Omit<Props, 'open'>) {
  const t = useT();
  const event = useEvent();
  const [inGroups, setInGroups] = useState<ReadonlyMap<string, string>>(new Map());
  const [alone, setAlone] = useState<ReadonlyMap<string, string>>(new Map());
  const [invites, setInvites] = useState(true);
  const once = useOnce();
  const send = useMutation({
    mutationFn: async () => {
      const body = { groups: [...inGroups.keys()], contacts: [...alone.keys()], invite: invites };
      const { data } = await client.POST('/api/v1/events/{id}/guests/contacts', {
        body,
        params: { path: { id: event.id }, header: once.header(body) },
      });
      return said(data);
    },
    onSuccess: async () => {
      once.done();
      await onAdded();
    },
  });
  if (send.data) return <Done kind="guests" report={send.data} close={close} />;
  const nobody = inGroups.size + alone.size === 0;
  return (
    <form
      className={styles['section']}
      onSubmit={submitted => {
        submitted.preventDefault();
        if (!nobody) send.mutate();
      }}
    >
      {send.error && <ProblemPanel problem={fullOf(send.error, 'full-guests')} />}
      <Groups chosen={inGroups} choose={setInGroups} />
      <People chosen={alone} choose={setAlone} />
      <Invites on={invites} set={setInvites} />
      <div className={styles['acts']}>
        <Button type="submit" look="main" writes busy={send.isPending} isDisabled={nobody}>
          {t('guests.contacts.act', { groups: inGroups.size, n: alone.size })}
        </Button>
        <Button onPress={close}>{t('cancel')}</Button>
      </div>
    </form>
  );
}

interface ChoiceProps {
  /** Names by ids. */
  chosen: ReadonlyMap<string, string>;
  choose: (chosen: ReadonlyMap<string, string>) => void;
}

function Groups(choice: ChoiceProps) {
  const t = useT();
  const groups = api.useQuery('get', '/api/v1/contact-groups');
  if (groups.isPending) return <Loading />;
  if (groups.isError)
    return <ProblemPanel problem={asApiProblem(groups.error)} again={() => void groups.refetch()} />;
  if (groups.data.length === 0)
    return (
      <p>
        {t('guests.contacts.none')} <Link to="/contacts">{t('contacts.title')}</Link>
      </p>
    );
  return (
    <Ticks
      {...choice}
      legend={t('guests.contacts.groups')}
      all={groups.data.map(({ id, name, contacts }) => ({
        id,
        name: t('contacts.group.of', { name, n: contacts }),
      }))}
    />
  );
}

function People({ chosen, choose }: ChoiceProps) {
  const t = useT();
  const [typed, setTyped] = useState('');
  const search = useDeferredValue(typed.trim());
  const found = api.useQuery(
    'get',
    '/api/v1/contacts',
    { params: { query: { search, limit: shownAtOnce } } },
    { placeholderData: before => before },
  );
  const there = new Map(chosen);
  for (const contact of found.data?.contacts ?? []) there.set(contact.id, nameOf(contact));
  return (
    <>
      <div className={styles['filters']}>
        <div className={styles['search']}>
          <input
            type="search"
            aria-label={t('guests.contacts.search')}
            placeholder={t('guests.contacts.search')}
            value={typed}
            maxLength={200}
            onChange={change => {
              setTyped(change.target.value);
            }}
          />
        </div>
      </div>
      {found.isError && <ProblemPanel problem={asApiProblem(found.error)} />}
      <Ticks
        chosen={chosen}
        choose={choose}
        legend={t('contacts.title')}
        all={[...there].map(([id, name]) => ({ id, name }))}
      />
      {found.data?.next !== undefined && <p className="small muted">{t('guests.contacts.more')}</p>}
    </>
  );
}

function Ticks({
  chosen,
  choose,
  legend,
  all,
}: ChoiceProps & { legend: string; all: readonly { id: string; name: string }[] }) {
  if (all.length === 0) return null;
  return (
    <fieldset className={styles['ticks']}>
      <legend>{legend}</legend>
      {all.map(({ id, name }) => (
        <label key={id} className={styles['tick']}>
          <input
            type="checkbox"
            checked={chosen.has(id)}
            onChange={change => {
              const next = new Map(chosen);
              if (change.target.checked) next.set(id, name);
              else next.delete(id);
              choose(next);
            }}
          />
          <span>{name}</span>
        </label>
      ))}
    </fieldset>
  );
}
