import { memo } from 'react';
import { CircleAlert, CircleCheck, TriangleAlert } from 'lucide-react';
import { type MeshAlert } from '../shell/api';
import { useT } from '../shell/words';
import { useFigures } from './figures';
import styles from './ops.module.css';

/** What is not as it should be, worst first: what, where, since when, what viewers notice of it, what to do. */
export const Alerts = memo(function Alerts({ alerts }: { alerts: readonly MeshAlert[] }) {
  const t = useT();
  return (
    <section aria-labelledby="alerts" className={styles['section']}>
      <h2 id="alerts">{t('ops.alerts')}</h2>
      {alerts.length === 0 ? (
        <p className={styles['well']}>
          <CircleCheck size={20} aria-hidden />
          {t('ops.alerts.none')}
        </p>
      ) : (
        <ul className={styles['alerts']}>
          {alerts.map(alert => (
            <AlertRow key={[alert.kind, alert.node, alert.stream, alert.upstream].join(' ')} alert={alert} />
          ))}
        </ul>
      )}
    </section>
  );
});

function AlertRow({ alert }: { alert: MeshAlert }) {
  const t = useT();
  const { number, short } = useFigures();
  const { kind, severity, since, viewers, detail } = alert;
  const Icon = severity === 'red' ? CircleAlert : TriangleAlert;
  const where = {
    node: alert.node ?? '',
    stream: alert.stream ?? '',
    upstream: alert.upstream ?? '',
    percent: short(alert.percent ?? 0),
  };
  return (
    <li className={styles[severity]}>
      <Icon size={20} aria-hidden />
      <div>
        <strong>
          {t(`ops.severity.${severity}`)} {t(`alert.${kind}`, where)}
        </strong>
        <p className="small">
          {[
            since >= 0 && t('ops.since', { n: since }),
            viewers > 0 && t('ops.affects', { n: viewers, shown: number(viewers) }),
          ]
            .filter(part => part !== false)
            .map(part => `${part} · `)}
          {t(`alert.${kind}.effect`, where)}
        </p>
        <p className="small">{t(`alert.${kind}.next`, where)}</p>
        {detail !== undefined && (
          <p className="small mono" lang="en">
            {detail}
          </p>
        )}
      </div>
    </li>
  );
}
