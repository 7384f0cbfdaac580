import { Check, Clock, MailX, MoreVertical, UserMinus, X } from 'lucide-react';
import { useState } from 'react';
import { api } from '../shell/api';
import { useOnline } from '../shell/health';
import { useOnce } from '../shell/once';
import { asApiProblem } from '../shell/problem';
import { useWhen } from '../shell/when';
import { useT } from '../shell/words';
import { Button, IconButton } from '../ui/Button';
import { AskFirst } from '../ui/Dialog';
import { Menu } from '../ui/Menu';
import { ProblemPanel } from '../ui/Problem';
import { fullOf, useEvent } from './event';
import { type Guest } from './guests';
import styles from './guests.module.css';

interface Props {
  guest: Guest;
  edits: boolean;
  chosen: boolean;
  choose: (on: boolean) => void;
  /** The list is another one now. */
  onDone: () => Promise<void>;
}

export function GuestRow({ guest, edits, chosen, choose, onDone }: Props) {
  const t = useT();
  const online = useOnline();
  const event = useEvent();
  const [asks, setAsks] = useState(false);
  const erased = guest.state === 'erased';
  const name = erased ? t('guests.erased') : guest.name === '' ? guest.email : guest.name;
  const path = { params: { path: { id: event.id, guest: guest.id } } };
  const away = async () => {
    await onDone();
    document.getElementById('main')?.focus({ preventScroll: true }); // the button is gone, with the focus
  };
  const accept = api.useMutation('post', '/api/v1/events/{id}/guests/{guest}/accept', { onSuccess: away });
  const refuse = api.useMutation('post', '/api/v1/events/{id}/guests/{guest}/refuse', { onSuccess: away });
  const once = useOnce();
  const invite = api.useMutation('post', '/api/v1/events/{id}/invitations', {
    onSuccess: async () => {
      once.done();
      await onDone();
    },
  });
  const remove = api.useMutation('delete', '/api/v1/events/{id}/guests/{guest}', {
    onSuccess: async () => {
      setAsks(false);
      await away();
    },
  });
  const error = accept.error ?? refuse.error ?? invite.error;
  return (
    <li>
      {edits && (
        <input
          type="checkbox"
          className={styles['check']}
          aria-label={t('guests.choose', { name })}
          checked={chosen}
          disabled={erased}
          onChange={change => {
            choose(change.target.checked);
          }}
        />
      )}
      <div className={styles['who']}>
        <strong>{name}</strong>
        {guest.name !== '' && <span className="small muted">{guest.email}</span>}
        <Dates guest={guest} />
        <Answers guest={guest} />
      </div>
      <Tags guest={guest} />
      {edits && (
        <div className={styles['ends']}>
          {guest.state === 'waiting' && (
            <>
              <Button
                writes
                busy={accept.isPending}
                aria-label={t('guests.accept.named', { name })}
                onPress={() => {
                  accept.mutate(path);
                }}
              >
                {t('guests.accept')}
              </Button>
              <Button
                writes
                busy={refuse.isPending}
                aria-label={t('guests.refuse.named', { name })}
                onPress={() => {
                  refuse.mutate(path);
                }}
              >
                {t('guests.refuse')}
              </Button>
            </>
          )}
          <Menu
            name={t('members.more', { name })}
            items={[
              ...(guest.state === 'in'
                ? [
                    {
                      id: 'invite',
                      text: guest.invitedAt === null ? t('guests.invite.one') : t('guests.invite.again'),
                      act: () => {
                        invite.mutate({
                          body: { guests: [guest.id] },
                          params: { path: { id: event.id }, header: once.header() },
                        });
                      },
                      disabled: !online,
                    },
                  ]
                : []),
              ...(guest.state === 'refused'
                ? [
                    {
                      id: 'accept',
                      text: t('guests.accept'),
                      act: () => {
                        accept.mutate(path);
                      },
                      disabled: !online,
                    },
                  ]
                : []),
              {
                id: 'remove',
                text: t('guests.remove'),
                icon: <UserMinus size={18} aria-hidden />,
                act: () => {
                  setAsks(true);
                },
                disabled: !online,
              },
            ]}
          >
            <IconButton name={t('members.more', { name })}>
              <MoreVertical size={20} />
            </IconButton>
          </Menu>
        </div>
      )}
      {error && (
        <div className={styles['wide']}>
          <ProblemPanel problem={fullOf(error, 'full-places')} />
        </div>
      )}
      <AskFirst
        open={asks}
        close={() => {
          setAsks(false);
          remove.reset();
        }}
        title={t('members.remove.ask', { name })}
        text={t('guests.remove.text', { title: event.title })}
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

function Dates({ guest }: { guest: Guest }) {
  const t = useT();
  const when = useWhen();
  const parts = [
    t(`guests.${guest.source}.at`, { time: when(guest.createdAt) }),
    ...(guest.invitedAt === null ? [] : [t('guests.invited', { time: when(guest.invitedAt) })]),
    ...(guest.seenAt === null ? [] : [t('guests.seen', { time: when(guest.seenAt) })]),
  ];
  return (
    <span className={`${styles['dates'] ?? ''} small muted figure`}>
      {parts.map(part => (
        <span key={part}>{part}</span>
      ))}
    </span>
  );
}

/** What was answered in the event's form. A field that the form has no more is named by its id. */
function Answers({ guest }: { guest: Guest }) {
  const t = useT();
  const event = useEvent();
  const given = Object.entries(guest.answers);
  if (given.length === 0) return null;
  const label = (id: string) => event.form.find(field => field.id === id)?.label ?? id;
  return (
    <details className="small">
      <summary>{t('guests.answers', { n: given.length })}</summary>
      <dl className={styles['answers']}>
        {given.map(([id, answer]) => (
          <div key={id}>
            <dt>{label(id)}</dt>
            <dd>{typeof answer === 'string' ? answer : t(answer ? 'yes' : 'no')}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

function Tags({ guest }: { guest: Guest }) {
  const t = useT();
  return (
    <div className={styles['tags']}>
      {guest.state === 'waiting' && (
        <span className={`${styles['tag'] ?? ''} ${styles['waits'] ?? ''}`}>
          <Clock size={14} aria-hidden />
          {t('guests.state.waiting')}
        </span>
      )}
      {guest.state === 'refused' && (
        <span className={styles['tag']}>
          <X size={14} aria-hidden />
          {t('guests.state.refused')}
        </span>
      )}
      {guest.seenAt !== null && (
        <span className={`${styles['tag'] ?? ''} ${styles['came'] ?? ''}`}>
          <Check size={14} aria-hidden />
          {t('guests.came')}
        </span>
      )}
      {guest.mail?.state === 'failed' && (
        <span className={`${styles['tag'] ?? ''} ${styles['failed'] ?? ''}`} title={guest.mail.answer}>
          <MailX size={14} aria-hidden />
          {t('guests.mail.failed')}
        </span>
      )}
      {guest.mail?.state === 'waiting' && (
        <span className={styles['tag']}>
          <Clock size={14} aria-hidden />
          {t('guests.mail.waiting')}
        </span>
      )}
    </div>
  );
}
