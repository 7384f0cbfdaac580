import { Link } from '@tanstack/react-router';
import { useT } from '../shell/words';

/** A link that was used, or whose time is over; again is where one asks for a new one. */
export function DeadLink({ again }: { again: '/login' | '/signup' | '/reset' }) {
  const t = useT();
  return (
    <>
      <p role="alert">{t('problem.linkDead')}</p>
      <p>
        <Link to={again} className="button main">
          {t('link.again')}
        </Link>
      </p>
    </>
  );
}
