import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { CopyAllButton, CopyButton } from '../ui/Copy';
import { Dialog } from '../ui/Dialog';
import { Notice } from '../ui/Notice';
import { whipOf } from '../ui/api';
import { type EventStream, isHot, liveLink, useEvent } from './event';
import styles from './event-page.module.css';

/** The ways onto the air: this browser, and what OBS wants to know. A key that was just made is shown once. */
export function KeyDialog({ stream, close }: { stream: EventStream | undefined; close: () => void }) {
  const t = useT();
  const { state } = useEvent();
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
        {stream && (isHot(state) || state === 'scheduled') && (
          <a className="button" href={liveLink(stream)} target="_blank" rel="noopener">
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
  const event = useEvent();
  const address = whipOf(stream.id);
  const lines = [t('event.obs.line.server', { address })];
  if (stream.key !== undefined) lines.push(t('event.obs.line.key', { key: stream.key }));
  return (
    <>
      {stream.key !== undefined && <Notice kind="warn">{t('event.key.once')}</Notice>}
      {event.state === 'scheduled' && <p>{t('event.obs.later')}</p>}
      <p>{t('event.obs.text')}</p>
      <Copied name={t('event.obs.address')} value={address} />
      {stream.key === undefined ? (
        <p className="muted">{stream.keyedAt === null ? t('event.key.none') : t('event.key.hidden')}</p>
      ) : (
        <Copied name={t('event.obs.key')} value={stream.key} />
      )}
      <p className="muted">{t('event.obs.spare')}</p>
      <Copied name={t('event.obs.backup')} value={`${address}?backup=1`} />
      <div className={styles['acts']}>
        <CopyAllButton value={lines.join('\n')}>{t('event.obs.copy')}</CopyAllButton>
      </div>
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
