import { ArrowRight, Ban, Check, CircleQuestionMark, Minus, X } from 'lucide-react';
import { type MeshNode } from '../shell/api';
import { useT } from '../shell/words';
import styles from './ops.module.css';

const icons = {
  alive: Check,
  draining: ArrowRight,
  cordoned: Ban,
  suspect: CircleQuestionMark,
  failed: X,
  left: Minus,
  unheard: Minus,
} as const;

/** How a node is, and what was decided of it, each an icon and a word. */
export function NodeBadge({ node: { status, admin } }: { node: Pick<MeshNode, 'status' | 'admin'> }) {
  return (
    <span className={styles['badges']}>
      <Badge of={status} />
      {admin !== 'in' && <Badge of={admin} />}
    </span>
  );
}

function Badge({ of }: { of: keyof typeof icons }) {
  const t = useT();
  const Icon = icons[of];
  return (
    <span className={`${styles['badge'] ?? ''} ${styles[of] ?? ''}`}>
      <Icon size={14} aria-hidden />
      {t(`ops.state.${of}`)}
    </span>
  );
}
