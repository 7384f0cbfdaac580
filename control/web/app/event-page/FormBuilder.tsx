import { useT } from '../shell/words';
import fieldStyles from '../ui/Field.module.css';
import { Rows } from './Rows';
import { type Asked, kinds } from './values';
import styles from './event-page.module.css';

interface Props {
  value: readonly Asked[];
  onChange: (value: Asked[]) => void;
  /** The inputs that the server refused: "2/label". */
  wrong: ReadonlySet<string>;
  error: string | undefined;
  inputRef: (input: HTMLInputElement | null) => void;
}

/** What registration asks beside name and email: a row for each field, in the order of the form. */
export function FormBuilder({ value, onChange, wrong, error, inputRef }: Props) {
  const t = useT();
  return (
    <Rows
      legend={t('event.field.form')}
      hint={t('event.form.hint')}
      error={error}
      value={value}
      onChange={onChange}
      most={30}
      addHint={t('event.form.add')}
      adds={kinds.map(kind => ({
        name: t(`event.form.kind.${kind}`),
        row: { id: undefined, label: '', kind, options: '', required: kind === 'consent' },
      }))}
      nameOf={n => t('event.form.item', { n: n + 1 })}
      className={styles['asked']}
    >
      {(field, set, n) => {
        const bad = (part: keyof Asked) => wrong.has(`${n}/${part}`) || undefined;
        return (
          <>
            <label>
              <span>{t('event.form.label')}</span>
              <input
                data-first
                ref={n === 0 ? inputRef : undefined}
                className={fieldStyles['input']}
                maxLength={200}
                value={field.label}
                aria-invalid={bad('label')}
                onChange={event => {
                  set({ label: event.target.value });
                }}
              />
            </label>
            <label>
              <span>{t('event.form.kind')}</span>
              <select
                className={fieldStyles['input']}
                value={field.kind}
                aria-invalid={bad('kind')}
                onChange={event => {
                  const kind = kinds.find(known => known === event.target.value);
                  if (kind) set({ kind, required: kind === 'consent' || field.required });
                }}
              >
                {kinds.map(kind => (
                  <option key={kind} value={kind}>
                    {t(`event.form.kind.${kind}`)}
                  </option>
                ))}
              </select>
            </label>
            {field.kind === 'choice' && (
              <label className={styles['text']}>
                <span>{t('event.form.options')}</span>
                <textarea
                  className={fieldStyles['input']}
                  rows={3}
                  value={field.options}
                  aria-invalid={bad('options')}
                  onChange={event => {
                    set({ options: event.target.value });
                  }}
                />
              </label>
            )}
            <label className={`${styles['tick'] ?? ''} ${styles['text'] ?? ''}`}>
              <input
                type="checkbox"
                checked={field.required}
                onChange={event => {
                  set({ required: event.target.checked });
                }}
              />
              {t('event.form.required')}
            </label>
          </>
        );
      }}
    </Rows>
  );
}
