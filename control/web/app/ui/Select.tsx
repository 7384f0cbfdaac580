import { type Control, Controller, type FieldPath, type FieldValues } from 'react-hook-form';
import { useId } from 'react';
import styles from './Field.module.css';

export interface Choice {
  value: string;
  name: string;
  lang?: string;
}

interface Props<T extends FieldValues> {
  control: Control<T>;
  name: FieldPath<T>;
  label: string;
  hint?: React.ReactNode;
  choices: readonly Choice[];
}

/** The browser's own select: phones have a better one than any page. */
export function Select<T extends FieldValues>({ control, name, label, hint, choices }: Props<T>) {
  const id = useId();
  return (
    <Controller
      control={control}
      name={name}
      render={({ field, fieldState }) => (
        <div className={styles['field']}>
          <label htmlFor={id}>{label}</label>
          <select
            {...field}
            id={id}
            className={styles['input']}
            aria-invalid={fieldState.invalid || undefined}
            aria-describedby={`${id}-hint ${id}-error`}
          >
            {choices.map(choice => (
              <option key={choice.value} value={choice.value} lang={choice.lang}>
                {choice.name}
              </option>
            ))}
          </select>
          <span id={`${id}-hint`} className={styles['hint']}>
            {hint}
          </span>
          <span id={`${id}-error`} className={styles['error']}>
            {fieldState.error?.message}
          </span>
        </div>
      )}
    />
  );
}
