import { ArrowDown, ArrowUp, Plus, Trash2 } from 'lucide-react';
import { useId, useRef } from 'react';
import { useT } from '../shell/words';
import { Button, IconButton } from '../ui/Button';
import fieldStyles from '../ui/Field.module.css';
import { type Asked, kinds, moved } from './values';
import styles from './event-page.module.css';

const most = 30;

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
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const set = (at: number, part: Partial<Asked>) => {
    onChange(value.map((field, n) => (n === at ? { ...field, ...part } : field)));
  };
  /** To the text of a row, once it is there. */
  const focus = (at: number) => {
    requestAnimationFrame(() => {
      list.current?.children[at]?.querySelector<HTMLInputElement>('[data-label]')?.focus();
    });
  };
  const move = (from: number, by: 1 | -1) => {
    onChange(moved(value, from, by));
    focus(from + by);
  };
  return (
    <fieldset className={styles['agenda']} aria-describedby={`${id}-hint ${id}-error`}>
      <legend>{t('event.field.form')}</legend>
      <span id={`${id}-hint`} className={fieldStyles['hint']}>
        {t('event.form.hint')}
      </span>
      <span id={`${id}-error`} className={fieldStyles['error']}>
        {error}
      </span>
      {value.length > 0 && (
        <div ref={list} className={styles['items']}>
          {value.map((field, n) => {
            const name = t('event.form.item', { n: n + 1 });
            const bad = (part: keyof Asked) => wrong.has(`${n}/${part}`) || undefined;
            return (
              <div key={n} className={styles['asked']} role="group" aria-label={name}>
                <label>
                  <span>{t('event.form.label')}</span>
                  <input
                    data-label
                    ref={n === 0 ? inputRef : undefined}
                    className={fieldStyles['input']}
                    maxLength={200}
                    value={field.label}
                    aria-invalid={bad('label')}
                    onChange={event => {
                      set(n, { label: event.target.value });
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
                      if (kind) set(n, { kind, required: kind === 'consent' || field.required });
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
                        set(n, { options: event.target.value });
                      }}
                    />
                  </label>
                )}
                <label className={`${styles['tick'] ?? ''} ${styles['text'] ?? ''}`}>
                  <input
                    type="checkbox"
                    checked={field.required}
                    onChange={event => {
                      set(n, { required: event.target.checked });
                    }}
                  />
                  {t('event.form.required')}
                </label>
                <div className={styles['moves']}>
                  <IconButton
                    name={t('event.agenda.up', { name })}
                    isDisabled={n === 0}
                    onPress={() => {
                      move(n, -1);
                    }}
                  >
                    <ArrowUp size={20} />
                  </IconButton>
                  <IconButton
                    name={t('event.agenda.down', { name })}
                    isDisabled={n === value.length - 1}
                    onPress={() => {
                      move(n, 1);
                    }}
                  >
                    <ArrowDown size={20} />
                  </IconButton>
                  <IconButton
                    name={t('event.agenda.remove', { name })}
                    onPress={() => {
                      onChange(value.filter((_, other) => other !== n));
                      focus(Math.max(0, n - 1));
                    }}
                  >
                    <Trash2 size={20} />
                  </IconButton>
                </div>
              </div>
            );
          })}
        </div>
      )}
      <div>
        <Button
          isDisabled={value.length >= most}
          onPress={() => {
            onChange([...value, { id: undefined, label: '', kind: 'text', options: '', required: false }]);
            focus(value.length);
          }}
        >
          <Plus size={20} aria-hidden />
          {t('event.form.add')}
        </Button>
      </div>
    </fieldset>
  );
}
