import { Ellipsis, KeyRound, Pencil, Radio, Settings2, Video, X } from 'lucide-react';
import { useState } from 'react';
import { api } from '../shell/api';
import { useOnline } from '../shell/health';
import { useOnce } from '../shell/once';
import { asApiProblem } from '../shell/problem';
import { useWords } from '../shell/words';
import { IconButton } from '../ui/Button';
import { AskFirst } from '../ui/Dialog';
import { Menu } from '../ui/Menu';
import { ProblemPanel } from '../ui/Problem';
import { KeyDialog } from './KeyDialog';
import { StreamDialog } from './StreamDialog';
import { type EventStream, isHot, languageName, useEvent } from './event';
import styles from './event-page.module.css';

interface Props {
  stream: EventStream;
  /** The page that sends from this browser. */
  live: string;
  edits: boolean;
  /** Shows a key that was just made. */
  onKey: (stream: EventStream) => void;
  renew: () => Promise<void>;
}

/** One stream: its name, whether it is on the air, and the way onto it. */
export function StreamRow({ stream, live, edits, onKey, renew }: Props) {
  const { t, language } = useWords();
  const event = useEvent();
  const online = useOnline();
  const [shows, setShows] = useState<'rename' | 'key' | 'close' | 'obs'>();
  const hide = () => {
    setShows(undefined);
  };
  const { id, name } = stream;
  const path = { params: { path: { id: event.id, stream: id } } };
  const once = useOnce();
  const key = api.useMutation('post', '/api/v1/events/{id}/streams/{stream}/key', {
    onError: error => {
      if (asApiProblem(error).kind === 'shown-once') once.done();
    },
    onSuccess: fresh => {
      once.done();
      hide();
      onKey(fresh);
      void renew();
    },
  });
  const keyed = () => ({ params: { ...path.params, header: once.header() } });
  const close = api.useMutation('delete', '/api/v1/events/{id}/streams/{stream}', {
    onSuccess: async () => {
      hide();
      await renew();
      document.getElementById('main')?.focus({ preventScroll: true }); // the row is gone, with the focus
    },
  });
  return (
    <li>
      <div className={styles['who']}>
        <strong>{name}</strong>
        <span className="small muted">
          {stream.language === '' ? t('event.language.none') : languageName(stream.language, language)}
          {' · '}
          <code className="mono">{id}</code>
        </span>
      </div>
      {isHot(event.state) && <Air id={id} onAir={event.state === 'live'} />}
      <div className={styles['ends']}>
        {isHot(event.state) && (
          <a className="button" href={live} target="_blank" rel="noopener">
            <Video size={20} aria-hidden />
            {t('event.stream.browser')}
          </a>
        )}
        <Menu
          name={t('event.stream.more', { name })}
          items={[
            {
              id: 'obs',
              text: t('event.stream.obs'),
              icon: <Settings2 size={18} />,
              act: () => {
                setShows('obs');
              },
            },
            ...(edits
              ? [
                  {
                    id: 'rename',
                    text: t('event.stream.edit'),
                    icon: <Pencil size={18} />,
                    disabled: !online,
                    act: () => {
                      setShows('rename');
                    },
                  },
                  {
                    id: 'key',
                    text: t('event.stream.key'),
                    icon: <KeyRound size={18} />,
                    disabled: !online,
                    act: () => {
                      // Without a key nobody loses one.
                      if (stream.keyedAt === null) key.mutate(keyed());
                      else setShows('key');
                    },
                  },
                  {
                    id: 'close',
                    text: t('event.stream.close'),
                    icon: <X size={18} />,
                    disabled: !online,
                    act: () => {
                      setShows('close');
                    },
                  },
                ]
              : []),
          ]}
        >
          <IconButton name={t('event.stream.more', { name })}>
            <Ellipsis size={20} />
          </IconButton>
        </Menu>
      </div>
      {key.isError && shows !== 'key' && (
        <div className={styles['wide']}>
          <ProblemPanel problem={asApiProblem(key.error)} />
        </div>
      )}
      <KeyDialog stream={shows === 'obs' ? stream : undefined} close={hide} />
      <StreamDialog
        open={shows === 'rename'}
        close={hide}
        stream={stream}
        onDone={() => {
          hide();
          void renew();
        }}
      />
      <AskFirst
        open={shows === 'key'}
        close={() => {
          hide();
          key.reset();
        }}
        title={t('event.stream.key.ask', { name })}
        text={t('event.stream.key.text')}
        act={t('event.stream.key.act')}
        busy={key.isPending}
        problem={key.isError ? asApiProblem(key.error) : undefined}
        onAct={() => {
          key.mutate(keyed());
        }}
      />
      <AskFirst
        open={shows === 'close'}
        close={() => {
          hide();
          close.reset();
        }}
        title={t('event.stream.close.ask', { name })}
        text={t('event.stream.close.text', { title: event.title })}
        act={t('event.stream.close')}
        busy={close.isPending}
        problem={close.isError ? asApiProblem(close.error) : undefined}
        onAct={() => {
          close.mutate(path);
        }}
      />
    </li>
  );
}

/** Whether media comes, and how many watch; where no news comes, that is said in place of the last figure. */
function Air({ id, onAir }: { id: string; onAir: boolean }) {
  const { t } = useWords();
  const air = api.useQuery(
    'get',
    '/api/v1/streams/{id}',
    { params: { path: { id } } },
    { refetchInterval: 2000, retry: false },
  );
  // A stream that nobody has published to yet is not known to the mesh.
  const none = air.isError && asApiProblem(air.error).status === 404;
  if (air.isPending) return null;
  if (air.isError && !none) return <span className={styles['tag']}>{t('event.air.unknown')}</span>;
  const live = !none && air.data?.live === true;
  return (
    <>
      {live && onAir && (
        <span className="figure small">{t('event.air.viewers', { n: air.data?.viewers ?? 0 })}</span>
      )}
      <span className={`${styles['tag'] ?? ''} ${live ? (styles[onAir ? 'live' : 'receiving'] ?? '') : ''}`}>
        <Radio size={14} aria-hidden />
        {!live ? t('event.air.off') : onAir ? t('event.air.on') : t('event.air.ready')}
      </span>
    </>
  );
}
