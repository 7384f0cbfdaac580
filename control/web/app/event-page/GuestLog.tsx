import { useState } from 'react';
import { api } from '../shell/api';
import { asApiProblem } from '../shell/problem';
import { useWhen } from '../shell/when';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { Dialog } from '../ui/Dialog';
import { Loading } from '../ui/Loading';
import { ProblemPanel } from '../ui/Problem';
import { useEvent } from './event';
import styles from './guests.module.css';

/** Who did what to the list of guests. */
export function GuestLog({ open, close }: { open: boolean; close: () => void }) {
  const t = useT();
  return (
    <Dialog open={open} close={close} title={t('guests.log')}>
      <Log />
      <div className={styles['acts']}>
        <Button onPress={close}>{t('event.close')}</Button>
      </div>
    </Dialog>
  );
}

function Log() {
  const t = useT();
  const when = useWhen();
  const event = useEvent();
  const [cursor, setCursor] = useState<string>();
  const page = api.useQuery('get', '/api/v1/events/{id}/guests/log', {
    params: { path: { id: event.id }, query: cursor === undefined ? {} : { cursor } },
  });
  if (!page.data) {
    return page.isError ? (
      <ProblemPanel problem={asApiProblem(page.error)} again={() => void page.refetch()} />
    ) : (
      <Loading />
    );
  }
  const { entries, next } = page.data;
  const by = ({ name, kind }: (typeof entries)[number]['by']) =>
    name !== '' ? name : t(kind === 'key' ? 'audit.key' : kind === 'system' ? 'audit.system' : 'audit.gone');
  return (
    <>
      {entries.length === 0 && <p>{t('guests.log.none')}</p>}
      <ol className={styles['rows']}>
        {entries.map(entry => (
          <li key={`${entry.at} ${entry.action} ${entry.detail}`}>
            <div className={styles['who']}>
              <strong>{t(`act.${entry.action}`)}</strong>
              <span className="small muted">{by(entry.by)}</span>
              {entry.guests.length > 0 && (
                <span className="small">
                  {entry.guests.map(({ name, email }) => (name === '' ? email : name)).join(', ')}
                </span>
              )}
            </div>
            <time className="small muted figure" dateTime={entry.at}>
              {when(entry.at)}
            </time>
          </li>
        ))}
      </ol>
      <div className={styles['acts']}>
        {cursor !== undefined && (
          <Button
            onPress={() => {
              setCursor(undefined);
            }}
          >
            {t('audit.newest')}
          </Button>
        )}
        {next !== undefined && (
          <Button
            onPress={() => {
              setCursor(next);
            }}
          >
            {t('audit.older')}
          </Button>
        )}
      </div>
    </>
  );
}
