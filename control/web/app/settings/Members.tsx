import { UserPlus } from 'lucide-react';
import { useState } from 'react';
import { Known } from '../shell/Known';
import { NotAllowed } from '../shell/NotAllowed';
import { api } from '../shell/api';
import { may } from '../shell/guard';
import { useMe } from '../shell/me';
import { asApiProblem } from '../shell/problem';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { Loading } from '../ui/Loading';
import { Notice } from '../ui/Notice';
import { ProblemPanel } from '../ui/Problem';
import { InviteDialog } from './InviteDialog';
import { MemberRow } from './MemberRow';
import styles from './settings.module.css';

/** "/settings/members": who belongs to the account, as what. */
export function Members() {
  const t = useT();
  const me = useMe();
  if (!may(me, 'see-members')) return <NotAllowed title={t('members.title')} role="organizer" />;
  return <MemberList />;
}

function MemberList() {
  const t = useT();
  const edits = may(useMe(), 'edit-members');
  const [invites, setInvites] = useState(false);
  const [invited, setInvited] = useState('');
  const list = api.useQuery('get', '/api/v1/members');
  return (
    <>
      <div className={styles['head']}>
        <h1>{t('members.title')}</h1>
        {edits && (
          <Button
            look="main"
            writes
            onPress={() => {
              setInvites(true);
            }}
          >
            <UserPlus size={20} aria-hidden />
            {t('members.invite')}
          </Button>
        )}
      </div>
      {list.data?.some(({ email }) => email === invited) && (
        <Notice kind="ok">{t('members.invited', { email: invited })}</Notice>
      )}
      {list.isPending && <Loading />}
      {!list.data && list.isError && (
        <ProblemPanel problem={asApiProblem(list.error)} again={() => void list.refetch()} />
      )}
      {list.data && (
        <Known
          at={list.dataUpdatedAt}
          problem={list.isError ? asApiProblem(list.error) : undefined}
          again={() => void list.refetch()}
        >
          <ul className={styles['rows']}>
            {list.data.map(member => (
              <MemberRow key={member.id} member={member} edits={edits} />
            ))}
          </ul>
          {list.data.length === 1 && edits && (
            <p className={`muted ${styles['after'] ?? ''}`}>{t('members.alone')}</p>
          )}
        </Known>
      )}
      <InviteDialog
        open={invites}
        close={() => {
          setInvites(false);
        }}
        onInvited={email => {
          setInvites(false);
          setInvited(email);
        }}
      />
    </>
  );
}
