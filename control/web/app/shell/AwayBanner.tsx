import { useDatabaseAway, useOnline } from './health';
import { useT } from './words';
import styles from './AwayBanner.module.css';

/** Says why nothing can be saved now: no network, or no database behind the API. */
export function AwayBanner() {
  const t = useT();
  const online = useOnline();
  const away = useDatabaseAway();
  return (
    <div role="status">
      {!online && <p className={styles['banner']}>{t('offline.banner')}</p>}
      {online && away && <p className={styles['banner']}>{t('away.banner')}</p>}
    </div>
  );
}
