import { useQueryClient } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { api } from '../shell/api';
import { asApiProblem } from '../shell/problem';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { Loading } from '../ui/Loading';
import { ProblemPanel } from '../ui/Problem';
import { KeyDialog } from './KeyDialog';
import { StreamDialog } from './StreamDialog';
import { StreamRow } from './StreamRow';
import { type EventStream, askAgainMS, liveLink, mayIn, useEvent } from './event';
import styles from './event-page.module.css';

/** The streams of the event: what its publishers send to. */
export function Streams() {
  const t = useT();
  const event = useEvent();
  const queries = useQueryClient();
  const [adds, setAdds] = useState(false);
  const [keyed, setKeyed] = useState<EventStream>();
  // Keys that were made here, for the page that sends from this browser; gone with this page.
  const [keys, setKeys] = useState<ReadonlyMap<string, string>>(new Map());
  const edits = mayIn(event, 'edit-streams');
  const path = { params: { path: { id: event.id } } };
  const list = api.useQuery('get', '/api/v1/events/{id}/streams', path, {
    refetchInterval: askAgainMS(event.state),
  });
  const renew = () => queries.invalidateQueries(api.queryOptions('get', '/api/v1/events/{id}/streams', path));
  const onKey = (stream: EventStream) => {
    setKeyed(stream);
    if (stream.key !== undefined) setKeys(new Map(keys).set(stream.id, stream.key));
  };
  return (
    <section className={styles['section']} aria-labelledby="streams">
      <div className={styles['head']}>
        <h2 id="streams">{t('event.streams')}</h2>
        {edits && event.state !== 'archived' && event.state !== 'cancelled' && (
          <Button
            writes
            onPress={() => {
              setAdds(true);
            }}
          >
            <Plus size={20} aria-hidden />
            {t('event.stream.add')}
          </Button>
        )}
      </div>
      {list.isPending && <Loading />}
      {list.isError && <ProblemPanel problem={asApiProblem(list.error)} again={() => void list.refetch()} />}
      {list.data?.length === 0 && <p className="muted">{t('event.streams.none')}</p>}
      {list.data && list.data.length > 0 && (
        <ul className={styles['rows']}>
          {list.data.map(stream => (
            <StreamRow
              key={stream.id}
              stream={stream}
              live={liveLink({ id: stream.id, key: keys.get(stream.id) })}
              edits={edits}
              onKey={onKey}
              renew={renew}
            />
          ))}
        </ul>
      )}
      <StreamDialog
        open={adds}
        close={() => {
          setAdds(false);
        }}
        onDone={stream => {
          setAdds(false);
          onKey(stream);
          void renew();
        }}
      />
      <KeyDialog
        stream={keyed}
        close={() => {
          setKeyed(undefined);
        }}
      />
    </section>
  );
}
