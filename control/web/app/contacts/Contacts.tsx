import { useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { UserPlus } from 'lucide-react';
import { useState } from 'react';
import { Known } from '../shell/Known';
import { NotAllowed } from '../shell/NotAllowed';
import { api } from '../shell/api';
import { may } from '../shell/guard';
import { useMe } from '../shell/me';
import { asApiProblem } from '../shell/problem';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { Loading } from '../ui/Loading';
import { ProblemPanel } from '../ui/Problem';
import { AddContacts } from './AddContacts';
import { Chosen } from './Chosen';
import { ContactRow } from './ContactRow';
import { Filters } from './Filters';
import { GroupHead } from './GroupHead';
import { Pages } from './Pages';
import { type Search, forgetContacts, searchOf } from './contacts';
import styles from './contacts.module.css';

const all = getRouteApi('/inside/contacts');
const inGroup = getRouteApi('/inside/contacts/groups/$id');

/** "/contacts": the address book. */
export function Contacts() {
  return <Book search={searchOf(all.useSearch())} group={undefined} />;
}

/** "/contacts/groups/{id}": those of a group. */
export function ContactsOfGroup() {
  return <Book search={searchOf(inGroup.useSearch())} group={inGroup.useParams().id} />;
}

function Book({ search, group }: { search: Search; group: string | undefined }) {
  const t = useT();
  if (!may(useMe(), 'see-contacts')) return <NotAllowed title={t('contacts.title')} role="organizer" />;
  // Another part of the book is another list: who is chosen is of that one alone.
  return <List key={JSON.stringify([group, search])} search={search} group={group} />;
}

function List({ search, group }: { search: Search; group: string | undefined }) {
  const t = useT();
  const edits = may(useMe(), 'edit-contacts');
  const queries = useQueryClient();
  const [adds, setAdds] = useState(false);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const groups = api.useQuery('get', '/api/v1/contact-groups');
  const list = api.useQuery('get', '/api/v1/contacts', {
    params: { query: { ...search, ...(group === undefined ? {} : { group }), limit: 50 } },
  });
  const here = groups.data?.find(({ id }) => id === group);
  const contacts = list.data?.contacts ?? [];
  const renew = async () => {
    await forgetContacts(queries);
    setChosen(new Set());
  };
  const choose = (id: string, on: boolean) => {
    const next = new Set(chosen);
    if (on) next.add(id);
    else next.delete(id);
    setChosen(next);
  };
  return (
    <section className={styles['section']}>
      <div className={styles['head']}>
        <h1>{t('contacts.title')}</h1>
        {edits && (
          <Button
            look="main"
            writes
            onPress={() => {
              setAdds(true);
            }}
          >
            <UserPlus size={20} aria-hidden />
            {t('contacts.add')}
          </Button>
        )}
      </div>
      <p className="muted">{t('contacts.lead')}</p>
      {groups.isError && (
        <ProblemPanel problem={asApiProblem(groups.error)} again={() => void groups.refetch()} />
      )}
      <Filters search={search} group={group} groups={groups.data ?? []} edits={edits} onMade={renew} />
      {here && <GroupHead group={here} edits={edits} onChanged={renew} />}
      {groups.data && group !== undefined && !here && <p>{t('contacts.group.gone')}</p>}
      {edits && contacts.length > 0 && (
        <Chosen
          shown={contacts}
          chosen={chosen}
          setChosen={setChosen}
          group={here}
          groups={groups.data ?? []}
          onDone={renew}
        />
      )}
      {list.isPending && <Loading />}
      {!list.data && list.isError && (
        <ProblemPanel problem={asApiProblem(list.error)} again={() => void list.refetch()} />
      )}
      {list.data && (
        <Known
          at={list.dataUpdatedAt}
          problem={list.isError ? asApiProblem(list.error) : undefined}
          again={() => void list.refetch()}
        >
          {contacts.length === 0 && (
            <p>{t(search.search ? 'contacts.none.found' : here ? 'contacts.none.group' : 'contacts.none')}</p>
          )}
          {contacts.length > 0 && (
            <ul className={styles['rows']} aria-label={t('contacts.title')}>
              {contacts.map(contact => (
                <ContactRow
                  key={contact.id}
                  contact={contact}
                  edits={edits}
                  chosen={chosen.has(contact.id)}
                  choose={on => {
                    choose(contact.id, on);
                  }}
                  onDone={renew}
                />
              ))}
            </ul>
          )}
        </Known>
      )}
      <Pages search={search} group={group} next={list.data?.next} />
      <AddContacts
        open={adds}
        close={() => {
          setAdds(false);
        }}
        group={here}
        onAdded={renew}
      />
    </section>
  );
}
