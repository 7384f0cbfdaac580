import { Pencil } from 'lucide-react';
import { useState } from 'react';
import { useT, useWords } from '../shell/words';
import { IconButton } from '../ui/Button';
import { EditContact } from './EditContact';
import { type Contact, nameOf } from './contacts';
import styles from './contacts.module.css';

interface Props {
  contact: Contact;
  edits: boolean;
  chosen: boolean;
  choose: (on: boolean) => void;
  /** The list is another one now. */
  onDone: () => Promise<void>;
}

export function ContactRow({ contact, edits, chosen, choose, onDone }: Props) {
  const t = useT();
  const [changes, setChanges] = useState(false);
  const name = nameOf(contact);
  return (
    <li>
      {edits && (
        <input
          type="checkbox"
          className={styles['check']}
          aria-label={t('guests.choose', { name })}
          checked={chosen}
          onChange={change => {
            choose(change.target.checked);
          }}
        />
      )}
      <div className={styles['who']}>
        <strong>{name}</strong>
        {contact.name !== '' && <span className="small muted">{contact.email}</span>}
        {contact.language !== '' && <Spoken tag={contact.language} />}
      </div>
      {edits && (
        <div className={styles['ends']}>
          <IconButton
            name={t('contacts.edit', { name })}
            onPress={() => {
              setChanges(true);
            }}
          >
            <Pencil size={20} />
          </IconButton>
        </div>
      )}
      <EditContact
        open={changes}
        close={() => {
          setChanges(false);
        }}
        contact={contact}
        onDone={onDone}
      />
    </li>
  );
}

function Spoken({ tag }: { tag: string }) {
  const { language } = useWords();
  return (
    <span className="small muted">
      {new Intl.DisplayNames([language], { type: 'language' }).of(tag) ?? tag}
    </span>
  );
}
