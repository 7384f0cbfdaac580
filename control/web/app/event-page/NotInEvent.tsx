import { useT } from '../shell/words';
import { type KnownEvent } from './event';

/** In place of a page that the role in this event does not allow. */
export function NotInEvent({ title, event }: { title: string; event: KnownEvent }) {
  const t = useT();
  return (
    <>
      <h2>{title}</h2>
      <p>{t('event.notAllowed', { needed: t('role.organizer'), yours: t(`role.${event.role}`) })}</p>
    </>
  );
}
