import { type Control, type FieldPath, type FieldValues, useForm } from 'react-hook-form';
import { asApiProblem } from '../shell/problem';
import { useWords } from '../shell/words';
import { Button } from '../ui/Button';
import { type FieldNames, Form } from '../ui/Form';
import { type EventDetails, useEvent } from './event';
import { named, useFields } from './fields';
import styles from './event-page.module.css';
import { type EventFields } from './values';

interface Props<V extends FieldValues> {
  valuesOf: (event: EventDetails) => V;
  fieldsOf: (typed: V) => EventFields;
  /** What the button does. */
  act: string;
  /** Where problems of the API's fields belong, as named has it. */
  places: Readonly<Record<string, string | undefined>>;
  /** The inputs' names; pointers are those of what the server refused. */
  names: (pointers: readonly string[]) => Readonly<Partial<Record<FieldPath<V>, FieldNames>>>;
  children: (control: Control<V>) => React.ReactNode;
}

/** Some of an event's fields, saved apart from the others. */
export function FieldsForm<V extends FieldValues>({
  valuesOf,
  fieldsOf,
  act,
  places,
  names,
  children,
}: Props<V>) {
  const { t } = useWords();
  const event = useEvent();
  const save = useFields();
  const form = useForm<V>({ values: valuesOf(event), resetOptions: { keepDirtyValues: true } });
  const problem = save.isError ? asApiProblem(save.error) : undefined;
  return (
    <div className={styles['column']}>
      <Form
        form={form}
        error={problem && named(problem, places)}
        onSubmit={typed => {
          save.mutate(fieldsOf(typed), {
            onSuccess: saved => {
              form.reset(valuesOf(saved), { keepDirtyValues: false });
            },
          });
        }}
        fields={names(problem?.fields.map(({ pointer }) => pointer) ?? [])}
      >
        {children(form.control)}
        <div className={styles['acts']}>
          <Button type="submit" writes busy={save.isPending}>
            {act}
          </Button>
          <span role="status">{save.isSuccess && !form.formState.isDirty ? t('saved') : ''}</span>
        </div>
      </Form>
    </div>
  );
}
