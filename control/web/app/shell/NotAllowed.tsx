import { useMe } from './me';
import { useT } from './words';

/** In place of a page that the role does not allow: which role is needed, and who gives it. */
export function NotAllowed({ title, role }: { title: string; role: 'owner' | 'organizer' }) {
  const t = useT();
  const me = useMe();
  return (
    <>
      <h1>{title}</h1>
      {me.account ? (
        <p>
          {t('notAllowed.text', {
            account: me.account.name,
            needed: t(`role.${role}`),
            yours: t(`role.${me.account.role}`),
          })}
        </p>
      ) : (
        <p>{t('notAllowed.none')}</p>
      )}
    </>
  );
}
