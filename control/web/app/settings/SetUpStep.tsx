import { useForm } from 'react-hook-form';
import { api } from '../shell/api';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { CopyButton } from '../ui/Copy';
import { Dialog } from '../ui/Dialog';
import { Field } from '../ui/Field';
import { Form } from '../ui/Form';
import { QR } from '../ui/QR';
import { ProofForm } from './ProofForm';
import { RecoveryCodes } from './RecoveryCodes';
import styles from './settings.module.css';

interface Props {
  open: boolean;
  close: () => void;
  /** Codes are asked for from now on. */
  onDone: () => void;
}

/** The way to a second step: the password, the app, its first code, the recovery codes. */
export function SetUpStep({ open, close, onDone }: Props) {
  const t = useT();
  const begin = api.useMutation('post', '/api/v1/me/second-step');
  const confirm = api.useMutation('post', '/api/v1/me/second-step/confirm', { onSuccess: onDone });
  const leave = () => {
    close();
    begin.reset();
    confirm.reset();
  };
  return (
    <Dialog
      open={open}
      close={leave}
      title={t(confirm.data ? 'step.codes' : 'step.setUp')}
      role={confirm.data ? 'alertdialog' : 'dialog'}
    >
      {confirm.data ? (
        <RecoveryCodes codes={confirm.data.codes} close={leave} />
      ) : begin.data ? (
        <App
          uri={begin.data.uri}
          secret={begin.data.secret}
          busy={confirm.isPending}
          error={confirm.error}
          close={leave}
          onCode={code => {
            confirm.mutate({ body: { code } });
          }}
        />
      ) : (
        <ProofForm
          step={false}
          act={t('step.setUp.next')}
          busy={begin.isPending}
          error={begin.error}
          close={leave}
          onProof={body => {
            begin.mutate({ body });
          }}
        >
          <p>{t('step.setUp.text')}</p>
        </ProofForm>
      )}
    </Dialog>
  );
}

interface AppProps {
  uri: string;
  secret: string;
  busy: boolean;
  error: unknown;
  close: () => void;
  onCode: (code: string) => void;
}

function App({ uri, secret, busy, error, close, onCode }: AppProps) {
  const t = useT();
  const form = useForm({ defaultValues: { code: '' } });
  return (
    <Form
      form={form}
      error={error}
      onSubmit={({ code }) => {
        onCode(code);
      }}
      fields={{ code: { label: t('step.first'), wrong: t('step.code.wrong') } }}
    >
      <p>{t('step.scan')}</p>
      <div className={styles['app']}>
        <QR value={uri} name={t('step.qr')} />
        <div className={styles['who']}>
          <span className="small muted">{t('step.secret')}</span>
          <div className={styles['secret']}>
            <code className="mono">{secret.replace(/(.{4})(?=.)/g, '$1 ')}</code>
            <CopyButton value={secret} name={t('step.secret.name')} />
          </div>
          <a href={uri}>{t('step.open')}</a>
        </div>
      </div>
      <Field
        control={form.control}
        name="code"
        label={t('step.first')}
        inputMode="numeric"
        autoComplete="one-time-code"
        maxLength={12}
      />
      <div className={styles['acts']}>
        <Button type="submit" look="main" writes busy={busy}>
          {t('step.on')}
        </Button>
        <Button onPress={close}>{t('cancel')}</Button>
      </div>
    </Form>
  );
}
