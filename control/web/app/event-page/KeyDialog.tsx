import { api } from '../shell/api';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { CopyButton } from '../ui/Copy';
import { Dialog } from '../ui/Dialog';
import { Notice } from '../ui/Notice';
import { streamOf, whipOf } from '../ui/api';
import { type EventStream } from './event';
import styles from './event-page.module.css';

/** What OBS wants to know, with the key where it was just made: it is shown once. */
export function KeyDialog({ stream, close }: { stream: EventStream | undefined; close: () => void }) {
  const t = useT();
  const fresh = stream?.key !== undefined;
  return (
    <Dialog
      open={stream !== undefined}
      close={close}
      title={
        fresh
          ? t('event.key.title', { name: stream.name })
          : t('event.obs.title', { name: stream?.name ?? '' })
      }
      role={fresh ? 'alertdialog' : 'dialog'}
    >
      {stream && <Settings stream={stream} />}
      <div className={styles['acts']}>
        {stream?.key !== undefined && (
          <a
            className="button"
            href={`/live/${stream.id}#key=${encodeURIComponent(stream.key)}`}
            target="_blank"
            rel="noopener"
          >
            {t('event.stream.browser')}
          </a>
        )}
        <Button look="main" onPress={close}>
          {fresh ? t('event.key.kept') : t('event.close')}
        </Button>
      </div>
    </Dialog>
  );
}

function Settings({ stream }: { stream: EventStream }) {
  const t = useT();
  // The address is of the node that takes publishers now.
  const known = api.useQuery(
    'get',
    '/api/v1/streams/{id}',
    { params: { path: { id: stream.id } } },
    { retry: false },
  );
  const address = whipOf(known.data && streamOf(known.data), stream.id);
  return (
    <>
      {stream.key !== undefined && <Notice kind="warn">{t('event.key.once')}</Notice>}
      <p>{t('event.obs.text')}</p>
      <Copied name={t('event.obs.address')} value={address} />
      {stream.key === undefined ? (
        <p className="muted">{stream.keyedAt === null ? t('event.key.none') : t('event.key.hidden')}</p>
      ) : (
        <Copied name={t('event.obs.key')} value={stream.key} />
      )}
    </>
  );
}

function Copied({ name, value }: { name: string; value: string }) {
  return (
    <div className={styles['copied']}>
      <span>{name}</span>
      <div>
        <code className="mono">{value}</code>
        <CopyButton value={value} name={name} />
      </div>
    </div>
  );
}
