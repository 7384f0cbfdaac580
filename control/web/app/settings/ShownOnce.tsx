import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { CopyButton } from '../ui/Copy';
import { Dialog } from '../ui/Dialog';
import { Notice } from '../ui/Notice';
import styles from './settings.module.css';

interface Props {
  /** What is shown; the dialog is closed where it is undefined. */
  value: string | undefined;
  title: string;
  /** What the value is called, for the copy button. */
  name: string;
  text: string;
  close: () => void;
}

/** A secret that nobody can read again. */
export function ShownOnce({ value, title, name, text, close }: Props) {
  const t = useT();
  return (
    <Dialog open={value !== undefined} close={close} title={title} role="alertdialog">
      <Notice kind="warn">{t('once.text')}</Notice>
      <p>{text}</p>
      <div className={styles['once']}>
        <code className="mono">{value}</code>
        <CopyButton value={value ?? ''} name={name} />
      </div>
      <div className={styles['acts']}>
        <Button look="main" onPress={close}>
          {t('once.kept')}
        </Button>
      </div>
    </Dialog>
  );
}
