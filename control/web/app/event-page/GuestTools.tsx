import { Download, ListX, Mail, MoreVertical, ScrollText } from 'lucide-react';
import { api } from '../shell/api';
import { useOnline } from '../shell/health';
import { useOnce } from '../shell/once';
import { asApiProblem } from '../shell/problem';
import { useT } from '../shell/words';
import { Button, IconButton } from '../ui/Button';
import { Menu } from '../ui/Menu';
import { Notice } from '../ui/Notice';
import { ProblemPanel } from '../ui/Problem';
import { useEvent } from './event';
import styles from './guests.module.css';

/** The dialog that stands over the list. */
export type Open = 'add' | 'contacts' | 'empty' | 'log' | undefined;

/** What is done with several guests, or all of them. */
export function Tools({
  edits,
  chosen,
  total,
  onSent,
  open,
}: {
  edits: boolean;
  chosen: readonly string[];
  total: number;
  onSent: () => Promise<void>;
  open: (which: Open) => void;
}) {
  const t = useT();
  const online = useOnline();
  const event = useEvent();
  const once = useOnce();
  const invite = api.useMutation('post', '/api/v1/events/{id}/invitations', {
    onSuccess: async () => {
      once.done();
      await onSent();
    },
  });
  const send = (body: { guests?: string[]; all?: true; fresh?: true; test?: true }) => {
    invite.mutate({ body, params: { path: { id: event.id }, header: once.header(body) } });
  };
  const test = invite.variables?.body.test === true;
  return (
    <>
      <div className={styles['acts']}>
        {edits && chosen.length > 0 && (
          <Button
            writes
            busy={invite.isPending}
            onPress={() => {
              send({ guests: [...chosen] });
            }}
          >
            <Mail size={20} aria-hidden />
            {t('guests.invite.chosen', { n: chosen.length })}
          </Button>
        )}
        {edits && chosen.length === 0 && (
          <Menu
            name={t('guests.invite')}
            items={[
              {
                id: 'fresh',
                text: t('guests.invite.fresh'),
                act: () => {
                  send({ fresh: true });
                },
                disabled: !online,
              },
              {
                id: 'all',
                text: t('guests.invite.all'),
                act: () => {
                  send({ all: true });
                },
                disabled: !online,
              },
              {
                id: 'test',
                text: t('guests.invite.test'),
                act: () => {
                  send({ test: true });
                },
                disabled: !online,
              },
            ]}
          >
            <Button busy={invite.isPending}>
              <Mail size={20} aria-hidden />
              {t('guests.invite')}
            </Button>
          </Menu>
        )}
        <a className="button" href={`/api/v1/events/${event.id}/guests.xlsx`} download>
          <Download size={20} aria-hidden />
          {t('guests.excel')}
        </a>
        <Menu
          name={t('guests.more')}
          items={[
            {
              id: 'log',
              text: t('guests.log'),
              icon: <ScrollText size={18} aria-hidden />,
              act: () => {
                open('log');
              },
            },
            ...(edits && total > 0
              ? [
                  {
                    id: 'empty',
                    text: t('guests.empty'),
                    icon: <ListX size={18} aria-hidden />,
                    act: () => {
                      open('empty');
                    },
                  },
                ]
              : []),
          ]}
        >
          <IconButton name={t('guests.more')}>
            <MoreVertical size={20} />
          </IconButton>
        </Menu>
      </div>
      {invite.isError && <ProblemPanel problem={asApiProblem(invite.error)} />}
      {invite.isSuccess && (
        <Notice kind="ok">{test ? t('guests.tested') : t('guests.sent', { n: invite.data.sent })}</Notice>
      )}
    </>
  );
}
