import { useState } from 'react';
import { useForm } from 'react-hook-form';
import { useMe } from '../shell/me';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { Field } from '../ui/Field';
import { Form } from '../ui/Form';
import styles from './settings.module.css';

export interface Proof {
  password?: string;
  code?: string;
}

interface Props {
  /** A second step is on, so a code of the app will do. */
  step: boolean;
  /** Asks for a name, too, and proposes this one. */
  name?: string;
  act: string;
  look?: 'main' | 'danger';
  busy: boolean;
  error: unknown;
  close: () => void;
  onProof: (proof: Proof, name: string) => void;
  children?: React.ReactNode;
}

/** Asks for the password, or a code of the app: that it is the person, not somebody at an open browser. */
export function ProofForm({ step, name, act, look = 'main', busy, error, close, onProof, children }: Props) {
  const t = useT();
  const { password: known, email } = useMe();
  const [by, setBy] = useState<'password' | 'code' | undefined>(
    known ? 'password' : step ? 'code' : undefined,
  );
  const form = useForm({ defaultValues: { name: name ?? '', password: '', code: '' } });
  return (
    <Form
      form={form}
      error={error}
      onSubmit={({ name, password, code }) => {
        onProof(by === 'password' ? { password } : by === 'code' ? { code } : {}, name);
      }}
      fields={{
        name: { label: t('passkey.name'), wrong: t('field.required') },
        password: { label: t('field.password'), wrong: t('proof.password.wrong') },
        code: { label: t('proof.code'), wrong: t('step.code.wrong') },
      }}
    >
      {children}
      <input type="hidden" autoComplete="username" value={email} />
      {name !== undefined && (
        <Field
          control={form.control}
          name="name"
          label={t('passkey.name')}
          hint={t('passkey.name.hint')}
          autoComplete="off"
          maxLength={80}
        />
      )}
      {by === 'password' && (
        <Field
          control={form.control}
          name="password"
          label={t('field.password')}
          type="password"
          autoComplete="current-password"
        />
      )}
      {by === 'code' && (
        <Field
          control={form.control}
          name="code"
          label={t('proof.code')}
          hint={t('logIn.step.code.hint')}
          autoComplete="one-time-code"
          maxLength={64}
        />
      )}
      {known && step && (
        <div>
          <Button
            look="quiet"
            onPress={() => {
              setBy(by === 'code' ? 'password' : 'code');
            }}
          >
            {t(by === 'code' ? 'proof.byPassword' : 'proof.byCode')}
          </Button>
        </div>
      )}
      <div className={styles['acts']}>
        <Button type="submit" look={look} writes busy={busy}>
          {act}
        </Button>
        <Button onPress={close}>{t('cancel')}</Button>
      </div>
    </Form>
  );
}
