import { useQueryClient } from '@tanstack/react-query';
import { Clock, Ellipsis, Send, UserMinus } from 'lucide-react';
import { useState } from 'react';
import { type Member, api } from '../shell/api';
import { useOnline } from '../shell/health';
import { meQuery, useMe } from '../shell/me';
import { asApiProblem } from '../shell/problem';
import { useWhen } from '../shell/when';
import { useT } from '../shell/words';
import { IconButton } from '../ui/Button';
import { AskFirst } from '../ui/Dialog';
import { Menu } from '../ui/Menu';
import { ProblemPanel } from '../ui/Problem';
import { roles } from './roles';
import styles from './settings.module.css';

/** One member; whoever may edit changes the role in place, sends the invitation again, or takes the member out. */
export function MemberRow({ member, edits }: { member: Member; edits: boolean }) {
  const t = useT();
  const when = useWhen();
  const me = useMe();
  const online = useOnline();
  const queries = useQueryClient();
  const [asks, setAsks] = useState(false);
  const name = member.name === '' ? member.email : member.name;

  const path = { params: { path: { id: member.id } } };
  const onSuccess = async () => {
    setAsks(false);
    await queries.invalidateQueries(api.queryOptions('get', '/api/v1/members'));
    if (member.id === me.id) await queries.invalidateQueries(meQuery);
  };
  const setRole = api.useMutation('patch', '/api/v1/members/{id}', { onSuccess });
  const again = api.useMutation('post', '/api/v1/members/{id}/invitation', { onSuccess });
  const remove = api.useMutation('delete', '/api/v1/members/{id}', {
    onSuccess: async () => {
      await onSuccess();
      document.getElementById('main')?.focus(); // the row is gone, with the button that had the focus
    },
  });
  const problem = setRole.error ?? again.error;

  return (
    <li>
      <div className={styles['who']}>
        <strong>
          {name}
          {member.id === me.id && <span className="muted"> {t('members.you')}</span>}
        </strong>
        {member.name !== '' && <span className="small muted">{member.email}</span>}
        {again.isSuccess && (
          <span className="small" role="status">
            {t('members.again.done')}
          </span>
        )}
      </div>
      {member.joinedAt === null && (
        <span className={styles['tag']}>
          <Clock size={14} aria-hidden />
          {t('members.since', { time: when(member.addedAt) })}
        </span>
      )}
      <div className={styles['ends']}>
        {edits ? (
          <select
            className={styles['select']}
            aria-label={t('members.role.of', { name })}
            value={setRole.isPending ? setRole.variables.body.role : member.role}
            disabled={!online || setRole.isPending}
            onChange={event => {
              const role = roles.find(known => known === event.target.value);
              if (role) setRole.mutate({ ...path, body: { role } });
            }}
          >
            {roles.map(role => (
              <option key={role} value={role}>
                {t(`role.${role}.name`)}
              </option>
            ))}
          </select>
        ) : (
          <span>{t(`role.${member.role}.name`)}</span>
        )}
        {edits && (
          <Menu
            name={t('members.more', { name })}
            items={[
              ...(member.joinedAt === null
                ? [
                    {
                      id: 'again',
                      text: t('members.again'),
                      icon: <Send size={18} />,
                      disabled: !online,
                      act: () => {
                        again.mutate(path);
                      },
                    },
                  ]
                : []),
              {
                id: 'remove',
                text: t('members.remove', { name }),
                icon: <UserMinus size={18} />,
                disabled: !online,
                act: () => {
                  setAsks(true);
                },
              },
            ]}
          >
            <IconButton name={t('members.more', { name })}>
              <Ellipsis size={20} />
            </IconButton>
          </Menu>
        )}
      </div>
      {problem && (
        <div className={styles['wide']}>
          <ProblemPanel problem={asApiProblem(problem)} />
        </div>
      )}
      <AskFirst
        open={asks}
        close={() => {
          setAsks(false);
          remove.reset();
        }}
        title={t('members.remove.ask', { name })}
        text={t('members.remove.text', { email: member.email, account: me.account?.name ?? '' })}
        act={t('members.remove', { name })}
        busy={remove.isPending}
        problem={remove.isError ? asApiProblem(remove.error) : undefined}
        onAct={() => {
          remove.mutate(path);
        }}
      />
    </li>
  );
}
