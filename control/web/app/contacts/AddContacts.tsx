import { PeopleForm } from '../people/PeopleForm';
import { said } from '../people/people';
import { client } from '../shell/api';
import { useOnce } from '../shell/once';
import { useT } from '../shell/words';
import { Dialog } from '../ui/Dialog';
import { type Group } from './contacts';

interface Props {
  open: boolean;
  close: () => void;
  /** In which they are to stand; undefined: in none. */
  group: Group | undefined;
  onAdded: () => Promise<void>;
}

/** Puts people into the address book, and into the group that is looked at. */
export function AddContacts({ open, close, group, onAdded }: Props) {
  const t = useT();
  return (
    <Dialog
      open={open}
      close={close}
      title={group ? t('contacts.add.to', { name: group.name }) : t('contacts.add')}
    >
      <Adding close={close} group={group} onAdded={onAdded} />
    </Dialog>
  );
}

function Adding({ close, group, onAdded }: Omit<Props, 'open'>) {
  const t = useT();
  const once = useOnce();
  return (
    <PeopleForm
      kind="contacts"
      add={async contacts => {
        const body = { contacts, ...(group ? { group: group.id } : {}) };
        const { data } = await client.POST('/api/v1/contacts', {
          body,
          params: { header: once.header(body) },
        });
        return said(data);
      }}
      load={async file => {
        const { data } = await client.POST('/api/v1/contacts/import', {
          params: {
            query: group ? { group: group.id } : {},
            header: once.header([file.name, file.size, file.lastModified, group?.id]),
          },
          body: '',
          bodySerializer: () => file,
          headers: { 'Content-Type': 'text/csv' },
        });
        return said(data);
      }}
      onAdded={async () => {
        once.done();
        await onAdded();
      }}
      close={close}
    >
      {group && <p className="small muted">{t('contacts.add.hint')}</p>}
    </PeopleForm>
  );
}
