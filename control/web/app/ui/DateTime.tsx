import { useId, useRef } from 'react';
import { type Control, Controller, type FieldPath, type FieldValues } from 'react-hook-form';
import styles from './Field.module.css';

interface Props<T extends FieldValues> {
  control: Control<T>;
  name: FieldPath<T>;
  label: string;
  hint?: React.ReactNode;
  /** What to say of half a date. */
  wrong: string;
}

/** The browser's own input for a day and a time, in a zone that stands elsewhere: 2026-11-27T14:05, or empty. */
export function DateTime<T extends FieldValues>({ control, name, label, hint, wrong }: Props<T>) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  return (
    <Controller
      control={control}
      name={name}
      // Half a date has no value, and would be taken for none.
      rules={{ validate: () => (input.current?.validity.badInput === true ? wrong : true) }}
      render={({ field, fieldState }) => (
        <div className={styles['field']}>
          <label htmlFor={id}>{label}</label>
          <input
            {...field}
            ref={element => {
              field.ref(element);
              input.current = element;
            }}
            id={id}
            type="datetime-local"
            className={styles['input']}
            aria-invalid={fieldState.invalid || undefined}
            aria-describedby={`${id}-hint ${id}-error`}
          />
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
