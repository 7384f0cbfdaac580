import { useT } from '../shell/words';
import { Browsers } from './Browsers';
import { Passkeys } from './Passkeys';
import { Password } from './Password';
import { SecondStep } from './SecondStep';
import styles from './settings.module.css';

/** "/settings/security": the password, the second step, passkeys, and the browsers that are logged in. */
export function Security() {
  const t = useT();
  return (
    <>
      <h1>{t('security.title')}</h1>
      <div className={styles['column']}>
        <Password />
        <SecondStep />
        <Passkeys />
        <Browsers />
      </div>
    </>
  );
}
