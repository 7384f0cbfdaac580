import { useForm } from 'react-hook-form';
import { type ApiProblem } from '../shell/problem';
import { useT } from '../shell/words';
import { Button } from './Button';
import { Dialog } from './Dialog';
import { Field } from './Field';
import { Form } from './Form';
import styles from './Dialog.module.css';

interface Props {
  open: boolean;
  close: () => void;
  title: string;
  text: string;
  /** Of the input. */
  label: string;
  /** What must be typed there; spaces may differ. */
  wanted: string;
  act: string;
  onAct: () => void;
  busy: boolean;
  problem?: ApiProblem | undefined;
}

/** Asks to type the name of what is about to be deleted for good. */
export function AskToType({ open, close, title, ...rest }: Props) {
  return (
    <Dialog open={open} close={close} title={title} role="alertdialog">
      <TypeForm close={close} {...rest} />
    </Dialog>
  );
}

function TypeForm({ close, text, label, wanted, act, onAct, busy, problem }: Omit<Props, 'open' | 'title'>) {
  const t = useT();
  const form = useForm({ defaultValues: { typed: '' } });
  const wrong = t('type.wrong');
  return (
    <Form
      form={form}
      error={problem}
      onSubmit={({ typed }) => {
        if (even(typed) === even(wanted)) onAct();
        else form.setError('typed', { type: 'typed', message: wrong }, { shouldFocus: true });
      }}
      fields={{ typed: { label, wrong } }}
    >
      <p>{text}</p>
      <p>
        <strong>{wanted}</strong>
      </p>
      <Field control={form.control} name="typed" label={label} autoComplete="off" />
      <div className={styles['acts']}>
        <Button onPress={close}>{t('cancel')}</Button>
        <Button type="submit" look="danger" writes busy={busy}>
          {act}
        </Button>
      </div>
    </Form>
  );
}

/** text with one space between words, and none around it. */
function even(text: string): string {
  return text.normalize('NFC').trim().replace(/\s+/g, ' ');
}
