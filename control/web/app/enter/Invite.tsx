import { getRouteApi } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useForm } from 'react-hook-form';
import { api } from '../shell/api';
import { useEnter, useStep } from '../shell/me';
import { ApiProblem, asApiProblem } from '../shell/problem';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { Field } from '../ui/Field';
import { Form } from '../ui/Form';
import { Loading } from '../ui/Loading';
import { ProblemPanel } from '../ui/Problem';
import { timeZoneHere } from './newcomer';

const route = getRouteApi('/outside/invite/$token');

/** "/invite/{token}": opening it does nothing; a press joins the account. Who is new chooses a password, others
 * give theirs. */
export function Invite() {
  const t = useT();
  const { token } = route.useParams();
  const invitation = api.useQuery('post', '/api/v1/invitations/open', { body: { token } });
  if (invitation.isPending) return <Loading />;
  if (invitation.isError) {
    const problem = asApiProblem(invitation.error);
    return (
      <>
        <h1>{t('invite.heading')}</h1>
        {problem.kind === 'link-dead' ? (
          <p role="alert">{t('invite.dead')}</p>
        ) : (
          <ProblemPanel problem={problem} again={() => void invitation.refetch()} />
        )}
      </>
    );
  }
  const { account, email, name, role, known, here } = invitation.data;
  return (
    <>
      <h1>{t('invite.join', { account })}</h1>
      <p>{t(`invite.as.${role}`, { account, email })}</p>
      <Join token={token} account={account} name={name} known={known} here={here} />
    </>
  );
}

interface JoinProps {
  token: string;
  account: string;
  name: string;
  known: boolean;
  /** Logged in in this browser: nothing else is asked. */
  here: boolean;
}

function Join({ token, account, name, known, here }: JoinProps) {
  const t = useT();
  const enter = useEnter();
  const onError = useStep();
  const form = useForm({ defaultValues: { name, password: '' } });
  const use = api.useMutation('post', '/api/v1/invitations/use', {
    onSuccess: me => {
      enter(me);
    },
    onError,
  });
  const problem = useMemo(
    () => (use.error === null ? null : wrongPassword(asApiProblem(use.error))),
    [use.error],
  );
  if (problem?.kind === 'link-dead') return <p role="alert">{t('invite.dead')}</p>;
  return (
    <Form
      form={form}
      error={problem}
      onSubmit={({ password, ...who }) => {
        use.mutate({
          body: here
            ? { token }
            : known
              ? { token, password }
              : { token, password, ...who, timeZone: timeZoneHere() },
        });
      }}
      fields={{
        name: { label: t('field.name'), wrong: t('field.required') },
        password: known
          ? { label: t('invite.password'), wrong: t('invite.password.wrong') }
          : { label: t('field.password.new'), wrong: t('field.password.rule') },
      }}
    >
      {here ? null : known ? (
        <Field
          control={form.control}
          name="password"
          label={t('invite.password')}
          type="password"
          autoComplete="current-password"
        />
      ) : (
        <>
          <Field
            control={form.control}
            name="name"
            label={t('field.name')}
            autoComplete="name"
            maxLength={80}
          />
          <Field
            control={form.control}
            name="password"
            label={t('field.password.new')}
            hint={t('field.password.rule')}
            type="password"
            autoComplete="new-password"
          />
        </>
      )}
      <div>
        <Button type="submit" look="main" writes busy={use.isPending}>
          {t('invite.act', { account })}
        </Button>
      </div>
    </Form>
  );
}

/** A wrong password is said at its input. */
function wrongPassword(problem: ApiProblem): ApiProblem {
  return problem.kind === 'log-in'
    ? new ApiProblem(problem, [{ pointer: '/password', detail: '' }])
    : problem;
}
