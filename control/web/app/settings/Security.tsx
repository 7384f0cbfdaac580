import { useT } from '../shell/words';
import { Browsers } from './Browsers';
import { Password } from './Password';
import styles from './settings.module.css';

/** "/settings/security": the password, and the browsers that are logged in. */
export function Security() {
  const t = useT();
  return (
    <>
      <h1>{t('security.title')}</h1>
      <div className={styles['column']}>
        <Password />
        <Browsers />
      </div>
    </>
  );
}
