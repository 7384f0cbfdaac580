import { Link, getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useForm } from 'react-hook-form';
import { api } from '../shell/api';
import { useEnter, useStep } from '../shell/me';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { Field } from '../ui/Field';
import { Form } from '../ui/Form';
import { ByPasskey } from './ByPasskey';
import { LogInCode } from './LogInCode';
import { SecondStep } from './SecondStep';

const route = getRouteApi('/outside/login');

/** "/login": a link by mail, a password, or a passkey; then perhaps a second step. What is shown stands in the address, so that Back works. */
export function LogIn() {
  const t = useT();
  const { by, sent, step } = route.useSearch();
  const [email, setEmail] = useState('');
  return (
    <>
      <h1>{t('logIn.heading')}</h1>
      {step ? (
        <SecondStep />
      ) : sent ? (
        <LogInCode email={email} />
      ) : by === 'password' ? (
        <ByPassword email={email} onEmail={setEmail} />
      ) : (
        <ByLink email={email} onEmail={setEmail} />
      )}
      {!step && !sent && <ByPasskey />}
      {!step && (
        <p className="muted">
          {t('logIn.new')} <Link to="/signup">{t('signUp.title')}</Link>
        </p>
      )}
    </>
  );
}

interface Props {
  email: string;
  onEmail: (email: string) => void;
}

function ByLink({ email, onEmail }: Props) {
  const t = useT();
  const navigate = route.useNavigate();
  const form = useForm({ defaultValues: { email } });
  const ask = api.useMutation('post', '/api/v1/log-in-links', {
    onSuccess: (_, { body }) => {
      onEmail(body.email);
      void navigate({ search: before => ({ ...before, sent: true }) });
    },
  });
  return (
    <>
      <Form
        form={form}
        error={ask.error}
        onSubmit={body => {
          ask.mutate({ body });
        }}
        fields={{ email: { label: t('field.email'), wrong: t('field.email.wrong') } }}
      >
        <Field
          control={form.control}
          name="email"
          label={t('field.email')}
          type="email"
          autoComplete="username"
          hint={t('logIn.link.hint')}
        />
        <div>
          <Button type="submit" look="main" writes busy={ask.isPending}>
            {t('logIn.link.act')}
          </Button>
        </div>
      </Form>
      <p>
        <Link
          from="/login"
          to="/login"
          search={before => ({ ...before, by: 'password' })}
          onClick={() => {
            onEmail(form.getValues('email'));
          }}
        >
          {t('logIn.password.instead')}
        </Link>
      </p>
    </>
  );
}

function ByPassword({ email, onEmail }: Props) {
  const t = useT();
  const { to } = route.useSearch();
  const enter = useEnter();
  const onError = useStep(to);
  const form = useForm({ defaultValues: { email, password: '' } });
  const logIn = api.useMutation('post', '/api/v1/log-in', {
    onSuccess: me => {
      enter(me, to);
    },
    onError,
  });
  return (
    <>
      <Form
        form={form}
        error={logIn.error}
        onSubmit={body => {
          logIn.mutate({ body });
        }}
        fields={{
          email: { label: t('field.email'), wrong: t('field.email.wrong') },
          password: { label: t('field.password'), wrong: t('field.required') },
        }}
      >
        <Field
          control={form.control}
          name="email"
          label={t('field.email')}
          type="email"
          autoComplete="username"
        />
        <Field
          control={form.control}
          name="password"
          label={t('field.password')}
          type="password"
          autoComplete="current-password"
        />
        <div>
          <Button type="submit" look="main" writes busy={logIn.isPending}>
            {t('logIn.password.act')}
          </Button>
        </div>
      </Form>
      <p>
        <Link
          from="/login"
          to="/login"
          search={to === undefined ? {} : { to }}
          onClick={() => {
            onEmail(form.getValues('email'));
          }}
        >
          {t('logIn.link.instead')}
        </Link>
        {' · '}
        <Link to="/reset">{t('logIn.forgotten')}</Link>
      </p>
    </>
  );
}
