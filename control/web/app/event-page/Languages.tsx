import { X } from 'lucide-react';
import { useId } from 'react';
import { useWords } from '../shell/words';
import fieldStyles from '../ui/Field.module.css';
import { languageName } from './event';
import { languageChoices } from './languages';
import styles from './event-page.module.css';

interface Props {
  value: readonly string[];
  onChange: (value: string[]) => void;
  /** Whether more than one was ordered. */
  several: boolean;
  error: string | undefined;
  inputRef: React.Ref<HTMLSelectElement>;
}

/** The languages that are spoken: each with a button that takes it out, and a list to add one from. */
export function Languages({ value, onChange, several, error, inputRef }: Props) {
  const { t, language } = useWords();
  const id = useId();
  const full = several ? value.length >= 16 : value.length >= 1;
  return (
    <div className={fieldStyles['field']} role="group" aria-labelledby={`${id}-name`}>
      <label id={`${id}-name`} htmlFor={id}>
        {t('event.field.languages')}
      </label>
      {value.length > 0 && (
        <ul className={styles['chips']}>
          {value.map(tag => {
            const name = languageName(tag, language);
            return (
              <li key={tag}>
                {name}
                <button
                  type="button"
                  aria-label={t('event.language.remove', { name })}
                  onClick={() => {
                    onChange(value.filter(other => other !== tag));
                    document.getElementById(id)?.focus();
                  }}
                >
                  <X size={16} aria-hidden />
                </button>
              </li>
            );
          })}
        </ul>
      )}
      <select
        id={id}
        ref={inputRef}
        className={fieldStyles['input']}
        value=""
        aria-invalid={error !== undefined || undefined}
        aria-describedby={`${id}-hint ${id}-error`}
        onChange={event => {
          const tag = event.target.value;
          if (tag !== '') onChange(several ? [...value, tag] : [tag]);
        }}
      >
        <option value="">
          {several || value.length === 0 ? t('event.language.add') : t('event.language.other')}
        </option>
        {(!full || !several) &&
          languageChoices(language, [])
            .filter(choice => !value.includes(choice.value))
            .map(choice => (
              <option key={choice.value} value={choice.value}>
                {choice.name}
              </option>
            ))}
      </select>
      <span id={`${id}-hint`} className={fieldStyles['hint']}>
        {several ? '' : t('event.language.one')}
      </span>
      <span id={`${id}-error`} className={fieldStyles['error']}>
        {error}
      </span>
    </div>
  );
}
