import { useNavigate } from '@tanstack/react-router';
import { MoreVertical, Pencil, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { api } from '../shell/api';
import { useOnline } from '../shell/health';
import { asApiProblem } from '../shell/problem';
import { useT } from '../shell/words';
import { IconButton } from '../ui/Button';
import { AskFirst } from '../ui/Dialog';
import { Menu } from '../ui/Menu';
import { GroupDialog } from './GroupDialog';
import { type Group } from './contacts';
import styles from './contacts.module.css';

/** The group that is looked at, and what is done with it. */
export function GroupHead({
  group,
  edits,
  onChanged,
}: {
  group: Group;
  edits: boolean;
  onChanged: () => Promise<void>;
}) {
  const t = useT();
  const online = useOnline();
  const navigate = useNavigate();
  const [open, setOpen] = useState<'rename' | 'delete'>();
  const close = () => {
    setOpen(undefined);
  };
  const remove = api.useMutation('delete', '/api/v1/contact-groups/{id}', {
    onSuccess: async () => {
      close();
      await navigate({ to: '/contacts' });
      await onChanged();
    },
  });
  const { id, name } = group;
  return (
    <div className={styles['head']}>
      <h2>
        {name} <span className={styles['count']}>{t('guests.total', { n: group.contacts })}</span>
      </h2>
      {edits && (
        <Menu
          name={t('members.more', { name })}
          items={[
            {
              id: 'rename',
              text: t('contacts.group.rename'),
              icon: <Pencil size={18} aria-hidden />,
              act: () => {
                setOpen('rename');
              },
              disabled: !online,
            },
            {
              id: 'delete',
              text: t('contacts.group.delete'),
              icon: <Trash2 size={18} aria-hidden />,
              act: () => {
                setOpen('delete');
              },
              disabled: !online,
            },
          ]}
        >
          <IconButton name={t('members.more', { name })}>
            <MoreVertical size={20} />
          </IconButton>
        </Menu>
      )}
      <GroupDialog open={open === 'rename'} close={close} group={group} onDone={onChanged} />
      <AskFirst
        open={open === 'delete'}
        close={() => {
          close();
          remove.reset();
        }}
        title={t('contacts.group.delete.ask', { name })}
        text={t('contacts.group.delete.text', { n: group.contacts })}
        act={t('contacts.group.delete')}
        busy={remove.isPending}
        problem={remove.isError ? asApiProblem(remove.error) : undefined}
        onAct={() => {
          remove.mutate({ params: { path: { id } } });
        }}
      />
    </div>
  );
}
