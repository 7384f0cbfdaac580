import { useState } from 'react';
import { PeopleForm } from '../people/PeopleForm';
import { said } from '../people/people';
import { client } from '../shell/api';
import { useOnce } from '../shell/once';
import { useT } from '../shell/words';
import { Dialog } from '../ui/Dialog';
import { fullOf, useEvent } from './event';
import styles from './guests.module.css';

interface Props {
  open: boolean;
  close: () => void;
  onAdded: () => Promise<void>;
}

/** Puts guests on the list: typed or pasted, or from a file. */
export function AddGuests({ open, close, onAdded }: Props) {
  const t = useT();
  return (
    <Dialog open={open} close={close} title={t('guests.add')}>
      <Adding close={close} onAdded={onAdded} />
    </Dialog>
  );
}

function Adding({ close, onAdded }: Omit<Props, 'open'>) {
  const event = useEvent();
  const [invites, setInvites] = useState(true);
  const once = useOnce();
  const path = { id: event.id };
  return (
    <PeopleForm
      kind="guests"
      add={async guests => {
        const body = { guests, invite: invites };
        const { data } = await client.POST('/api/v1/events/{id}/guests', {
          body,
          params: { path, header: once.header(body) },
        });
        return said(data);
      }}
      load={async file => {
        const { data } = await client.POST('/api/v1/events/{id}/guests/import', {
          params: {
            path,
            query: { invite: invites },
            header: once.header([file.name, file.size, file.lastModified, invites]),
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
      problemOf={error => fullOf(error, 'full-guests')}
    >
      <Invites on={invites} set={setInvites} />
    </PeopleForm>
  );
}

/** Whether those who are new on the list get the invitation at once. */
export function Invites({ on, set }: { on: boolean; set: (on: boolean) => void }) {
  const t = useT();
  return (
    <label className={styles['tick']}>
      <input
        type="checkbox"
        checked={on}
        onChange={change => {
          set(change.target.checked);
        }}
      />
      {t('guests.invites')}
    </label>
  );
}
