import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Known } from '../shell/Known';
import { api } from '../shell/api';
import { asApiProblem } from '../shell/problem';
import { useWhen } from '../shell/when';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { Dialog } from '../ui/Dialog';
import { Loading } from '../ui/Loading';
import { Notice } from '../ui/Notice';
import { ProblemPanel } from '../ui/Problem';
import { ProofForm } from './ProofForm';
import { RecoveryCodes } from './RecoveryCodes';
import { SetUpStep } from './SetUpStep';
import styles from './settings.module.css';

/** The second step at log-in: whether it is on, and how it is set up and switched off. */
export function SecondStep() {
  const t = useT();
  const when = useWhen();
  const queries = useQueryClient();
  const step = api.useQuery('get', '/api/v1/me/second-step');
  const [open, setOpen] = useState<'setUp' | 'codes' | 'end'>();
  const close = () => {
    setOpen(undefined);
  };
  const changed = () => queries.invalidateQueries(api.queryOptions('get', '/api/v1/me/second-step'));
  return (
    <section className={styles['section']} aria-labelledby="second-step">
      <h2 id="second-step">{t('step.title')}</h2>
      {step.isPending && <Loading />}
      {!step.data && step.isError && (
        <ProblemPanel problem={asApiProblem(step.error)} again={() => void step.refetch()} />
      )}
      {step.data && (
        <Known
          at={step.dataUpdatedAt}
          problem={step.isError ? asApiProblem(step.error) : undefined}
          again={() => void step.refetch()}
        >
          <div className={styles['section']}>
            {step.data.since === null ? (
              <>
                <p className="muted">{t('step.off')}</p>
                <div>
                  <Button
                    writes
                    onPress={() => {
                      setOpen('setUp');
                    }}
                  >
                    {t('step.setUp')}
                  </Button>
                </div>
              </>
            ) : (
              <>
                <p>{t('step.since', { time: when(step.data.since) })}</p>
                {step.data.codes < 3 ? (
                  <Notice kind="warn">
                    {step.data.codes === 0 ? t('step.left.none') : t('step.left', { n: step.data.codes })}
                  </Notice>
                ) : (
                  <p className="muted">{t('step.left', { n: step.data.codes })}</p>
                )}
                <div className={styles['acts']}>
                  <Button
                    writes
                    onPress={() => {
                      setOpen('codes');
                    }}
                  >
                    {t('step.codes.renew')}
                  </Button>
                  <Button
                    writes
                    onPress={() => {
                      setOpen('end');
                    }}
                  >
                    {t('step.end')}
                  </Button>
                </div>
              </>
            )}
          </div>
        </Known>
      )}
      <SetUpStep open={open === 'setUp'} close={close} onDone={() => void changed()} />
      <NewCodes open={open === 'codes'} close={close} onDone={changed} />
      <EndStep open={open === 'end'} close={close} onDone={changed} />
    </section>
  );
}

interface Props {
  open: boolean;
  close: () => void;
  onDone: () => Promise<void>;
}

function NewCodes({ open, close, onDone }: Props) {
  const t = useT();
  const renew = api.useMutation('post', '/api/v1/me/second-step/codes', { onSuccess: onDone });
  const leave = () => {
    close();
    renew.reset();
  };
  return (
    <Dialog
      open={open}
      close={leave}
      title={t(renew.data ? 'step.codes' : 'step.codes.renew')}
      role={renew.data ? 'alertdialog' : 'dialog'}
    >
      {renew.data ? (
        <RecoveryCodes codes={renew.data.codes} close={leave} />
      ) : (
        <ProofForm
          step
          act={t('step.codes.renew')}
          busy={renew.isPending}
          error={renew.error}
          close={leave}
          onProof={body => {
            renew.mutate({ body });
          }}
        >
          <p>{t('step.codes.renew.text')}</p>
        </ProofForm>
      )}
    </Dialog>
  );
}

function EndStep({ open, close, onDone }: Props) {
  const t = useT();
  const end = api.useMutation('delete', '/api/v1/me/second-step', {
    onSuccess: async () => {
      close();
      await onDone();
    },
  });
  return (
    <Dialog open={open} close={close} title={t('step.end.ask')} role="alertdialog">
      <ProofForm
        step
        act={t('step.end')}
        look="danger"
        busy={end.isPending}
        error={end.error}
        close={close}
        onProof={body => {
          end.mutate({ body });
        }}
      >
        <p>{t('step.end.text')}</p>
      </ProofForm>
    </Dialog>
  );
}
