import { Fragment } from 'react';
import { type MeshLine, type MeshView } from '../shell/api';
import { useT } from '../shell/words';
import { LinkRow } from './LinkRow';
import { OpsOnly } from './OpsOnly';
import { WithMesh } from './WithMesh';
import { useFigures } from './figures';
import { lossy } from './marks';
import styles from './ops.module.css';

const everyMS = 1000;

/** "/ops/links": what streams pass by, and what lies between regions. */
export function Links() {
  const t = useT();
  return (
    <OpsOnly title={t('ops.links')} below>
      <div className={styles['console']}>
        <p className="muted">{t('ops.links.lead')}</p>
        <WithMesh everyMS={everyMS}>
          {({ links, lines }) => (
            <>
              <InUse links={links} />
              <Matrix lines={lines} />
            </>
          )}
        </WithMesh>
      </div>
    </OpsOnly>
  );
}

function InUse({ links }: { links: MeshView['links'] }) {
  const t = useT();
  const worst = links.toSorted((a, b) => (b.lossPercent ?? 0) - (a.lossPercent ?? 0));
  return (
    <section aria-labelledby="now" className={styles['section']}>
      <h2 id="now">{t('ops.links.now')}</h2>
      {links.length === 0 ? (
        <p>{t('ops.links.none')}</p>
      ) : (
        <ul className={styles['peers']}>
          {worst.map(link => (
            <LinkRow key={`${link.a} ${link.b}`} link={link} />
          ))}
        </ul>
      )}
    </section>
  );
}

/** Region by region. It scrolls by itself where the page is too narrow for it. */
function Matrix({ lines }: { lines: readonly MeshLine[] }) {
  const t = useT();
  const regions = [...new Set(lines.flatMap(({ a, b }) => [a, b]))].sort();
  const between = new Map(
    lines
      .flatMap(line => [line, { ...line, a: line.b, b: line.a }])
      .map(line => [`${line.a} ${line.b}`, line]),
  );
  return (
    <section aria-labelledby="regions" className={styles['section']}>
      <h2 id="regions">{t('ops.links.regions')}</h2>
      {lines.length === 0 ? (
        <p>{t('ops.links.regions.none')}</p>
      ) : (
        <>
          <p className="muted">{t('ops.links.price.lead')}</p>
          <div className={styles['wide']} tabIndex={0} role="group" aria-labelledby="regions">
            <table className={styles['matrix']} aria-labelledby="regions">
              <thead>
                <tr>
                  <td />
                  {regions.map(region => (
                    <th key={region} scope="col" className="mono">
                      {region}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {regions.map(row => (
                  <tr key={row}>
                    <th scope="row" className="mono">
                      {row}
                    </th>
                    {regions.map(column => (
                      <Cell key={column} line={between.get(`${row} ${column}`)} />
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </section>
  );
}

function Cell({ line }: { line: MeshLine | undefined }) {
  const t = useT();
  const { short } = useFigures();
  if (!line) return <td>–</td>;
  const { rttMs, lossPercent, kbps, links, price } = line;
  const facts = [
    rttMs !== undefined && t('ops.hop.rtt', { n: short(rttMs) }),
    links === 0 ? t('ops.links.quiet') : t('ops.mbps', { n: short((kbps ?? 0) / 1000) }),
    lossPercent !== undefined && t('ops.link.loss', { n: short(lossPercent) }),
    t('ops.links.price', { n: short(price) }),
  ].filter(fact => fact !== false);
  return (
    <td className={(lossPercent ?? 0) >= lossy ? styles['amber'] : undefined}>
      {facts.map((fact, i) => (
        <Fragment key={fact}>
          {i > 0 && <br />}
          {fact}
        </Fragment>
      ))}
    </td>
  );
}
