import { useEffect, useRef } from 'react';
import { api } from '../shell/api';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { useEvent } from './event';
import styles from './event-page.module.css';

interface Props {
  busy: boolean;
  onStart: () => void;
  onLeave: () => void;
}

/** Asks in place before viewers see the event: the second of the two acts that go on the air, with how many wait. */
export function AskStart({ busy, onStart, onLeave }: Props) {
  const t = useT();
  const waiting = useWaiting();
  const ask = useRef<HTMLDivElement>(null);
  useEffect(() => {
    ask.current?.scrollIntoView({ block: 'nearest' }); // on a phone it may be below what is seen
  }, []);
  return (
    <div ref={ask} className={styles['ask']} role="group" aria-labelledby="ask-start">
      <p id="ask-start">
        <strong>
          {waiting === undefined ? t('event.start.ask') : t('event.start.ask.for', { n: waiting })}
        </strong>
      </p>
      <p className="small muted">{t('event.start.text')}</p>
      <div className={styles['acts']}>
        <Button look="main" writes busy={busy} onPress={onStart}>
          {t('event.start.now')}
        </Button>
        <Button autoFocus onPress={onLeave}>
          {t('event.start.notYet')}
        </Button>
      </div>
    </div>
  );
}

/** How many wait for the event to begin, as each of its streams tells; undefined where that is not known. */
function useWaiting(): number | undefined {
  const event = useEvent();
  const streams = api.useQuery('get', '/api/v1/events/{id}/streams', { params: { path: { id: event.id } } });
  const id = streams.data?.[0]?.id;
  const air = api.useQuery(
    'get',
    '/api/v1/streams/{id}',
    { params: { path: { id: id ?? '' } } },
    { enabled: id !== undefined, refetchInterval: 2000, retry: false },
  );
  return air.isError ? undefined : air.data?.waiting;
}
