import { Link } from '@tanstack/react-router';
import { type EventLine } from '../shell/api';
import { useT } from '../shell/words';
import { CopyButton } from '../ui/Copy';
import { StateBadge } from '../ui/StateBadge';
import { useTimes } from './times';
import styles from './calendar.module.css';

interface Props {
  event: EventLine;
  /** The day too, where no heading says it. */
  dated?: boolean;
  /** Until it starts. */
  minutes?: number | undefined;
}

export function EventRow({ event, dated = false, minutes }: Props) {
  const t = useT();
  const { day, hours, zone } = useTimes()(event);
  return (
    <li>
      <div className={styles['when']}>
        {dated && <span className={styles['day']}>{day}</span>}
        <time className="figure" dateTime={event.startsAt}>
          {hours}
        </time>{' '}
        <span className="small muted">{zone}</span>
      </div>
      <div className={styles['what']}>
        <Link className={styles['title']} to="/events/$id" params={{ id: event.id }}>
          {event.title}
        </Link>
        <span className="small muted figure">
          {t(`kind.${event.kind}`)}
          {/* On the same line: rows stay as high as they are when it goes. */}
          {minutes !== undefined && ` · ${t('calendar.in', { n: minutes })}`}
        </span>
        <span className={styles['link']}>
          <a href={event.link} className="small">
            {event.link.replace(/^https?:\/\//, '')}
          </a>
          <CopyButton value={event.link} name={t('calendar.link', { title: event.title })} />
        </span>
      </div>
      <StateBadge state={event.state} />
    </li>
  );
}
