import { Archive, Circle, Clock, Square, Wrench, X } from 'lucide-react';
import { type EventState } from '../shell/api';
import { useT } from '../shell/words';
import styles from './StateBadge.module.css';

const icons = {
  scheduled: Clock,
  preparation: Wrench,
  live: Circle,
  ended: Square,
  archived: Archive,
  cancelled: X,
} as const;

/** The state of an event: an icon and a word. */
export function StateBadge({ state }: { state: EventState }) {
  const t = useT();
  const Icon = icons[state];
  return (
    <span className={`${styles['badge'] ?? ''} ${styles[state] ?? ''}`}>
      <Icon size={14} aria-hidden fill={state === 'live' ? 'currentColor' : 'none'} />
      {t(`state.${state}`)}
    </span>
  );
}
