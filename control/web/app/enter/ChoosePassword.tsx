import { useForm } from 'react-hook-form';
import { asApiProblem } from '../shell/problem';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { Field } from '../ui/Field';
import { Form } from '../ui/Form';
import { DeadLink } from './DeadLink';

interface Props {
  lead: string;
  act: string;
  again: '/signup' | '/reset';
  busy: boolean;
  error: unknown;
  onChoose: (password: string) => void;
}

/** What the link of a mail leads to where a password is to be chosen. */
export function ChoosePassword({ lead, act, again, busy, error, onChoose }: Props) {
  const t = useT();
  const form = useForm({ defaultValues: { password: '' } });
  if (error !== null && asApiProblem(error).kind === 'link-dead') return <DeadLink again={again} />;
  return (
    <>
      <p className="muted">{lead}</p>
      <Form
        form={form}
        error={error}
        onSubmit={({ password }) => {
          onChoose(password);
        }}
        fields={{ password: { label: t('field.password.new'), wrong: t('field.password.rule') } }}
      >
        <Field
          control={form.control}
          name="password"
          label={t('field.password.new')}
          hint={t('field.password.rule')}
          type="password"
          autoComplete="new-password"
        />
        <div>
          <Button type="submit" look="main" writes busy={busy}>
            {act}
          </Button>
        </div>
      </Form>
    </>
  );
}
