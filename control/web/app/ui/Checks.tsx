import { useId } from 'react';
import { type Control, Controller, type FieldPath, type FieldValues } from 'react-hook-form';
import { type Choice } from './Select';
import styles from './Checks.module.css';

interface Props<T extends FieldValues> {
  control: Control<T>;
  /** Of a list of values. */
  name: FieldPath<T>;
  label: string;
  hint: string;
  choices: readonly Choice[];
}

/** Boxes to tick, any number of them. */
export function Checks<T extends FieldValues>({ control, name, label, hint, choices }: Props<T>) {
  const id = useId();
  return (
    <Controller
      control={control}
      name={name}
      render={({ field, fieldState }) => {
        const ticked = field.value as readonly string[];
        return (
          <fieldset className={styles['checks']} aria-describedby={`${id}-hint ${id}-error`}>
            <legend>{label}</legend>
            <span id={`${id}-hint`} className={styles['hint']}>
              {hint}
            </span>
            <div className={styles['choices']}>
              {choices.map((choice, n) => (
                <label key={choice.value}>
                  <input
                    type="checkbox"
                    ref={n === 0 ? field.ref : undefined}
                    checked={ticked.includes(choice.value)}
                    onBlur={field.onBlur}
                    onChange={event => {
                      const others = ticked.filter(one => one !== choice.value);
                      field.onChange(event.target.checked ? [...others, choice.value] : others);
                    }}
                  />
                  {choice.name}
                </label>
              ))}
            </div>
            <span id={`${id}-error`} className={styles['error']}>
              {fieldState.error?.message}
            </span>
          </fieldset>
        );
      }}
    />
  );
}
