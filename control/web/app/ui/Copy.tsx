import { Check, Copy } from 'lucide-react';
import { useState } from 'react';
import { useT } from '../shell/words';
import { Button, IconButton } from './Button';

const copiedForMS = 2000;

type Copied = 'no' | 'yes' | 'refused';

/** What became of the last copy, for a moment, and what copies. */
function useCopy(value: string): [Copied, () => void] {
  const [copied, setCopied] = useState<Copied>('no');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value);
      setCopied('yes');
    } catch {
      setCopied('refused'); // not allowed, or no clipboard: pages without TLS have none
    }
    setTimeout(() => {
      setCopied('no');
    }, copiedForMS);
  };
  return [copied, () => void copy()];
}

function Said({ copied }: { copied: Copied }) {
  const t = useT();
  return (
    <span role="status" className="small muted">
      {copied === 'yes' ? t('copy.done') : copied === 'refused' ? t('copy.refused') : ''}
    </span>
  );
}

/** Copies value, and says so for a moment. */
export function CopyButton({ value, name }: { value: string; name: string }) {
  const t = useT();
  const [copied, copy] = useCopy(value);
  return (
    <>
      <IconButton name={t('copy.named', { name })} onPress={copy}>
        {copied === 'yes' ? <Check size={18} /> : <Copy size={18} />}
      </IconButton>
      <Said copied={copied} />
    </>
  );
}

/** Does what CopyButton does, with words on the button. */
export function CopyAllButton({ value, children }: { value: string; children: React.ReactNode }) {
  const [copied, copy] = useCopy(value);
  return (
    <>
      <Button onPress={copy}>
        {copied === 'yes' ? <Check size={20} aria-hidden /> : <Copy size={20} aria-hidden />}
        {children}
      </Button>
      <Said copied={copied} />
    </>
  );
}
