import { useT } from '../shell/words';
import styles from './Loading.module.css';

/** The layout of what comes, once it has taken 200 ms. */
export function Loading() {
  const t = useT();
  return (
    <div className={styles['skeleton']} role="status">
      <span className={styles['said']}>{t('loading')}</span>
      <div />
      <div />
      <div />
    </div>
  );
}
