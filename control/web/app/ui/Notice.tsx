import { CircleAlert, CircleCheck, Info } from 'lucide-react';
import styles from './Notice.module.css';

const icons = { info: Info, ok: CircleCheck, warn: CircleAlert };

/** Says something in place. ok confirms, and is told to readers. */
export function Notice({
  kind = 'info',
  children,
}: {
  kind?: keyof typeof icons;
  children: React.ReactNode;
}) {
  const Icon = icons[kind];
  return (
    <div
      className={`${styles['notice'] ?? ''} ${styles[kind] ?? ''}`}
      role={kind === 'info' ? undefined : 'status'}
    >
      <Icon size={20} aria-hidden />
      <div className={styles['text']}>{children}</div>
    </div>
  );
}
