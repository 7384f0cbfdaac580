import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { CopyButton } from '../ui/Copy';
import { Notice } from '../ui/Notice';
import styles from './settings.module.css';

/** The ten codes, which are shown once. */
export function RecoveryCodes({ codes, close }: { codes: readonly string[]; close: () => void }) {
  const t = useT();
  return (
    <>
      <Notice kind="warn">{t('step.codes.once')}</Notice>
      <p>{t('step.codes.text')}</p>
      <ol className={styles['codes']}>
        {codes.map(code => (
          <li key={code}>
            <code className="mono">{code}</code>
          </li>
        ))}
      </ol>
      <div className={styles['acts']}>
        <Button look="main" onPress={close}>
          {t('step.codes.kept')}
        </Button>
        <CopyButton value={codes.join('\n')} name={t('step.codes')} />
      </div>
    </>
  );
}
