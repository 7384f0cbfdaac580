import { useState } from 'react';
import { type APIKey, api } from '../shell/api';
import { asApiProblem } from '../shell/problem';
import { useWhen } from '../shell/when';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { AskFirst } from '../ui/Dialog';
import { hasEnded } from './key';
import styles from './settings.module.css';

interface Props {
  apiKey: APIKey;
  /** When it was read, in ms since 1970. */
  at: number;
  changed: () => Promise<void>;
}

/** One key: what it may, whose it is, and how to end it. */
export function KeyRow({ apiKey, at, changed }: Props) {
  const t = useT();
  const when = useWhen();
  const [asks, setAsks] = useState(false);
  const revoke = api.useMutation('delete', '/api/v1/keys/{id}', {
    onSuccess: async () => {
      setAsks(false);
      await changed();
      document.getElementById('main')?.focus(); // the row is gone, with the button that had the focus
    },
  });
  const { name, start, scopes, madeBy, madeAt, usedAt, expiresAt } = apiKey;
  return (
    <li>
      <div className={styles['who']}>
        <strong>{name}</strong>
        <span className="small">
          <code className="mono">{start}…</code> ·{' '}
          {scopes.includes('write') ? t('key.scope.write') : t('key.scope.read')}
        </span>
        <span className="small muted">
          {t('key.by', { name: madeBy.name || t('audit.gone'), time: when(madeAt) })}
        </span>
        <span className="small muted">
          {usedAt === null ? t('key.unused') : t('key.used', { time: when(usedAt) })}
          {' · '}
          {expiresAt === null
            ? t('key.endless')
            : t(hasEnded(apiKey, at) ? 'key.ended' : 'key.ends', { time: when(expiresAt) })}
        </span>
      </div>
      <div className={styles['ends']}>
        <Button
          writes
          aria-label={t('key.revoke.named', { name })}
          onPress={() => {
            setAsks(true);
          }}
        >
          {t('key.revoke')}
        </Button>
      </div>
      <AskFirst
        open={asks}
        close={() => {
          setAsks(false);
          revoke.reset();
        }}
        title={t('key.revoke.ask', { name })}
        text={t('key.revoke.text', { start })}
        act={t('key.revoke.act')}
        busy={revoke.isPending}
        problem={revoke.isError ? asApiProblem(revoke.error) : undefined}
        onAct={() => {
          revoke.mutate({ params: { path: { id: apiKey.id } } });
        }}
      />
    </li>
  );
}
