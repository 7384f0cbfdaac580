import { type MeshKey, type MeshView } from '../shell/api';
import { useWhen } from '../shell/when';
import { useT } from '../shell/words';
import { MakeToken } from './MakeToken';
import { OpsOnly } from './OpsOnly';
import { Rotate } from './Rotate';
import { WithMesh } from './WithMesh';
import styles from './ops.module.css';

const everyMS = 5000;

/** "/ops/identity": how machines come in, the keys that nodes share, and until when their certificates count. */
export function Identity() {
  const t = useT();
  return (
    <OpsOnly title={t('ops.identity')} below>
      <div className={styles['console']}>
        <section aria-labelledby="tokens" className={styles['section']}>
          <h2 id="tokens">{t('ops.token')}</h2>
          <p className="muted">{t('ops.token.lead')}</p>
          <MakeToken />
        </section>
        <WithMesh everyMS={everyMS}>
          {({ keys, nodes }, again) => (
            <>
              <Keys of="gossip" keys={keys} changed={again} />
              <Keys of="signing" keys={keys} changed={again} />
              <Certificates nodes={nodes} />
            </>
          )}
        </WithMesh>
      </div>
    </OpsOnly>
  );
}

function Keys({
  of,
  keys,
  changed,
}: {
  of: MeshKey['kind'];
  keys: readonly MeshKey[];
  changed: () => Promise<void>;
}) {
  const t = useT();
  const when = useWhen();
  return (
    <section aria-labelledby={of} className={styles['section']}>
      <h2 id={of}>{t(`ops.key.${of}`)}</h2>
      <p className="muted">{t(`ops.key.${of}.lead`)}</p>
      <ul className={styles['peers']}>
        {keys
          .filter(({ kind }) => kind === of)
          .map(({ at, inUse }) => (
            <li key={at}>
              {t(inUse ? 'ops.key.used' : 'ops.key.known')}{' '}
              <span className="small muted">{t('ops.key.made', { when: when(at) })}</span>
            </li>
          ))}
      </ul>
      <Rotate of={of} changed={changed} />
    </section>
  );
}

function Certificates({ nodes }: { nodes: MeshView['nodes'] }) {
  const t = useT();
  const when = useWhen();
  return (
    <section aria-labelledby="certificates" className={styles['section']}>
      <h2 id="certificates">{t('ops.certificates')}</h2>
      <p className="muted">{t('ops.certificates.lead')}</p>
      <ul className={styles['peers']}>
        {nodes.map(({ node, certificateEnds: ends }) => (
          <li key={node}>
            <span className="mono">{node}</span>{' '}
            <span className="small muted">
              {ends === undefined
                ? t('ops.certificates.unknown')
                : t('ops.certificates.until', { when: when(ends) })}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
