import { useEffect, useRef } from 'react';
import { type FieldPath, type FieldValues, type SubmitHandler, type UseFormReturn } from 'react-hook-form';
import { type ApiProblem, asApiProblem, sortFields } from '../shell/problem';
import { useT } from '../shell/words';
import { ProblemPanel } from './Problem';
import styles from './Form.module.css';

export interface FieldNames {
  /** As the input's label has it. */
  label: string;
  /** What to say where the server refuses it. */
  wrong: string;
}

interface Props<T extends FieldValues> {
  form: UseFormReturn<T>;
  onSubmit: SubmitHandler<T>;
  /** What the server said to the last try. */
  error: unknown;
  fields: Readonly<Partial<Record<FieldPath<T>, FieldNames>>>;
  children: React.ReactNode;
}

/**
 * A form whose rules are the server's: what it refuses stands at the input and in a list on top, what was typed stays.
 */
export function Form<T extends FieldValues>({ form, onSubmit, error, fields, children }: Props<T>) {
  const t = useT();
  const { setError, setFocus } = form;
  const problem = error === null || error === undefined ? undefined : asApiProblem(error);
  const names = Object.keys(fields) as FieldPath<T>[];
  const shown = useRef<ApiProblem>(undefined);
  useEffect(() => {
    if (!problem || shown.current === problem) return;
    shown.current = problem;
    const { at } = sortFields(problem, names);
    for (const name of at) setError(name, { type: 'server', message: fields[name]?.wrong ?? '' });
    if (at[0] !== undefined) setFocus(at[0]);
  });
  const { errors } = form.formState;
  const wrong = names.filter(name => name in errors);
  return (
    <form
      noValidate
      className={styles['form']}
      onSubmit={event => {
        event.stopPropagation(); // a form in a dialog is no part of the one behind it
        void form.handleSubmit(onSubmit)(event);
      }}
    >
      {wrong.length > 1 && (
        <div className="problem">
          <strong>{t('form.wrong', { n: wrong.length })}</strong>
          <ul className={styles['wrong']}>
            {wrong.map(name => (
              <li key={name}>
                {fields[name]?.label}: {fields[name]?.wrong}
              </li>
            ))}
          </ul>
        </div>
      )}
      {problem && isForPanel(problem, names) && <ProblemPanel problem={problem} />}
      {children}
    </form>
  );
}

/** Whether problem says something that stands at no input. */
function isForPanel(problem: ApiProblem, names: readonly string[]): boolean {
  return problem.fields.length === 0 || sortFields(problem, names).rest.length > 0;
}
