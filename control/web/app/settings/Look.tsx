import { LookEditor } from '../look/LookEditor';
import { NotAllowed } from '../shell/NotAllowed';
import { may } from '../shell/guard';
import { useMe } from '../shell/me';
import { useT } from '../shell/words';

/** "/settings/look": how the account's pages and mails look. */
export function Look() {
  const t = useT();
  const me = useMe();
  if (!may(me, 'edit-account')) return <NotAllowed title={t('look.title')} role="owner" />;
  return (
    <>
      <h1>{t('look.title')}</h1>
      <p className="muted">{t('look.lead')}</p>
      <LookEditor subject={undefined} level="h2" />
    </>
  );
}
