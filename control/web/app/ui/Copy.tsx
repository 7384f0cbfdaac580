import { Check, Copy } from 'lucide-react';
import { useState } from 'react';
import { useT } from '../shell/words';
import { IconButton } from './Button';

const copiedForMS = 2000;

/** Copies value, and says so for a moment. */
export function CopyButton({ value, name }: { value: string; name: string }) {
  const t = useT();
  const [done, setDone] = useState<'no' | 'yes' | 'refused'>('no');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value);
      setDone('yes');
    } catch {
      setDone('refused'); // not allowed, or no clipboard: pages without TLS have none
    }
    setTimeout(() => {
      setDone('no');
    }, copiedForMS);
  };
  return (
    <>
      <IconButton name={t('copy.named', { name })} onPress={() => void copy()}>
        {done === 'yes' ? <Check size={18} /> : <Copy size={18} />}
      </IconButton>
      <span role="status" className="small muted">
        {done === 'yes' ? t('copy.done') : done === 'refused' ? t('copy.refused') : ''}
      </span>
    </>
  );
}
