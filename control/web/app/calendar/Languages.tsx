import { useId } from 'react';
import { type Control, Controller } from 'react-hook-form';
import { type Draft } from './draft';
import { useWords } from '../shell/words';
import styles from './calendar.module.css';

const offered = ['en', 'fr', 'ar', 'de', 'es', 'it', 'ja', 'nl', 'pl', 'pt', 'uk', 'zh'];

/** The languages that an event is held in. */
export function Languages({
  control,
  label,
  hint,
}: {
  control: Control<Draft>;
  label: string;
  hint: string;
}) {
  const { language } = useWords();
  const id = useId();
  const names = new Intl.DisplayNames(language, { type: 'language' });
  const choices = offered
    .map(value => ({ value, name: names.of(value) ?? value }))
    .sort((a, b) => a.name.localeCompare(b.name, language));
  return (
    <Controller
      control={control}
      name="languages"
      render={({ field, fieldState }) => (
        <fieldset className={styles['languages']} aria-describedby={`${id}-hint ${id}-error`}>
          <legend>{label}</legend>
          <span id={`${id}-hint`} className={styles['hint']}>
            {hint}
          </span>
          <div className={styles['choices']}>
            {choices.map(({ value, name }, n) => (
              <label key={value}>
                <input
                  type="checkbox"
                  ref={n === 0 ? field.ref : undefined}
                  checked={field.value.includes(value)}
                  onBlur={field.onBlur}
                  onChange={event => {
                    const others = field.value.filter(one => one !== value);
                    field.onChange(event.target.checked ? [...others, value] : others);
                  }}
                />
                {name}
              </label>
            ))}
          </div>
          <span id={`${id}-error`} className={styles['error']}>
            {fieldState.error?.message}
          </span>
        </fieldset>
      )}
    />
  );
}
