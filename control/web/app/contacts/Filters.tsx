import { useNavigate } from '@tanstack/react-router';
import { FolderPlus, Search as SearchIcon } from 'lucide-react';
import { useState } from 'react';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { GroupDialog } from './GroupDialog';
import { type Group, type Search, searchOf } from './contacts';
import styles from './contacts.module.css';

interface Props {
  search: Search;
  group: string | undefined;
  groups: readonly Group[];
  edits: boolean;
  onMade: () => Promise<void>;
}

/** Which contacts are looked at. */
export function Filters({ search, group, groups, edits, onMade }: Props) {
  const t = useT();
  const navigate = useNavigate();
  const [typed, setTyped] = useState(search.search ?? '');
  const [makes, setMakes] = useState(false);
  const to = (id: string | undefined, words: string) => {
    const part = searchOf({ search: words.trim() });
    if (id === undefined) void navigate({ to: '/contacts', search: part });
    else void navigate({ to: '/contacts/groups/$id', params: { id }, search: part });
  };
  return (
    <form
      className={styles['filters']}
      role="search"
      onSubmit={event => {
        event.preventDefault();
        to(group, typed);
      }}
    >
      <div className={styles['search']}>
        <input
          type="search"
          aria-label={t('guests.search')}
          placeholder={t('guests.search')}
          value={typed}
          maxLength={200}
          onChange={event => {
            setTyped(event.target.value);
          }}
        />
        <Button type="submit" aria-label={t('guests.search.act')}>
          <SearchIcon size={20} aria-hidden />
        </Button>
      </div>
      <select
        aria-label={t('contacts.group')}
        value={group ?? ''}
        onChange={event => {
          to(event.target.value === '' ? undefined : event.target.value, typed);
        }}
      >
        <option value="">{t('contacts.group.all')}</option>
        {groups.map(({ id, name, contacts }) => (
          <option key={id} value={id}>
            {t('contacts.group.of', { name, n: contacts })}
          </option>
        ))}
      </select>
      {edits && (
        <Button
          writes
          onPress={() => {
            setMakes(true);
          }}
        >
          <FolderPlus size={20} aria-hidden />
          {t('contacts.group.new')}
        </Button>
      )}
      <GroupDialog
        open={makes}
        close={() => {
          setMakes(false);
        }}
        onDone={async made => {
          await onMade();
          to(made.id, '');
        }}
      />
    </form>
  );
}
