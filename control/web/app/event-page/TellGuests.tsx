import { Mail } from 'lucide-react';
import { api } from '../shell/api';
import { useOnce } from '../shell/once';
import { asApiProblem } from '../shell/problem';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { Notice } from '../ui/Notice';
import { ProblemPanel } from '../ui/Problem';
import { useEvent } from './event';
import styles from './event-page.module.css';

/** Asks, after a change, whether those are told of it who have heard of the event; where nobody has, nothing. */
export function TellGuests({ onLeave }: { onLeave: () => void }) {
  const t = useT();
  const event = useEvent();
  const once = useOnce();
  const params = { path: { id: event.id } };
  const count = api.useQuery('get', '/api/v1/events/{id}/invitations', { params }, { gcTime: 0 });
  const send = api.useMutation('post', '/api/v1/events/{id}/invitations');
  if (send.isSuccess) return <Notice kind="ok">{t('guests.sent', { n: send.data.sent })}</Notice>;
  if (count.isError)
    return <ProblemPanel problem={asApiProblem(count.error)} again={() => void count.refetch()} />;
  if (!count.data?.change) return null;
  return (
    <div className={styles['column']}>
      <div className={styles['ask']} role="group" aria-labelledby="ask-tell">
        <p id="ask-tell" role="status">
          <strong>{t('guests.tell.ask', { n: count.data.change })}</strong>
        </p>
        <p className="small muted">{t('guests.tell.text')}</p>
        {send.isError && <ProblemPanel problem={asApiProblem(send.error)} />}
        <div className={styles['acts']}>
          <Button
            look="main"
            writes
            busy={send.isPending}
            onPress={() => {
              const body = { change: true };
              send.mutate({ body, params: { ...params, header: once.header(body) } });
            }}
          >
            <Mail size={20} aria-hidden />
            {t('guests.tell.act')}
          </Button>
          <Button onPress={onLeave}>{t('guests.tell.not')}</Button>
        </div>
      </div>
    </div>
  );
}
