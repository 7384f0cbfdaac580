import { useMutation } from '@tanstack/react-query';
import { api, client } from '../shell/api';
import { makePasskey } from '../shell/passkey';
import { useT } from '../shell/words';
import { Dialog } from '../ui/Dialog';
import { browserOf } from './browser';
import { type Proof, ProofForm } from './ProofForm';

interface Props {
  open: boolean;
  close: () => void;
  onDone: () => Promise<void>;
}

/** Has this device, or one that the browser finds, make a passkey. */
export function AddPasskey({ open, close, onDone }: Props) {
  const t = useT();
  const step = api.useQuery('get', '/api/v1/me/second-step');
  const add = useMutation({
    mutationFn: async ({ proof, name }: { proof: Proof; name: string }) => {
      const { data: wanted } = await client.POST('/api/v1/me/passkeys/challenge', { body: proof });
      if (!wanted) throw new TypeError('an answer without a challenge');
      await client.POST('/api/v1/me/passkeys', { body: { name, ...(await makePasskey(wanted)) } });
    },
    onSuccess: async () => {
      close();
      await onDone();
    },
  });
  return (
    <Dialog open={open} close={close} title={t('passkey.add')}>
      <ProofForm
        step={step.data?.on ?? false}
        name={nameHere()}
        act={t('passkey.add.act')}
        busy={add.isPending}
        error={add.error}
        close={close}
        onProof={(proof, name) => {
          add.mutate({ proof, name });
        }}
      >
        <p>{t('passkey.add.text')}</p>
      </ProofForm>
    </Dialog>
  );
}

/** What a passkey of this browser may be called. */
function nameHere(): string {
  const { browser, system } = browserOf(navigator.userAgent);
  return [browser, system].filter(part => part !== '').join(', ');
}
