import { useT } from '../shell/words';
import fieldStyles from '../ui/Field.module.css';
import { Rows } from './Rows';
import { type Item } from './values';
import styles from './event-page.module.css';

interface Props {
  value: readonly Item[];
  onChange: (value: Item[]) => void;
  /** The inputs that the server refused: "2/title". */
  wrong: ReadonlySet<string>;
  error: string | undefined;
  inputRef: (input: HTMLInputElement | null) => void;
}

/** What comes when: a row for each item. Saved, they stand by time. */
export function Agenda({ value, onChange, wrong, error, inputRef }: Props) {
  const t = useT();
  return (
    <Rows
      legend={t('event.field.agenda')}
      hint={t('event.agenda.hint')}
      error={error}
      value={value}
      onChange={onChange}
      onMove={items => {
        // Times stay where they are: what moves is what happens at them.
        onChange(items.map((item, n) => ({ ...item, at: value[n]?.at ?? item.at })));
      }}
      most={100}
      adds={[{ name: t('event.agenda.add'), row: { at: value.at(-1)?.at ?? '0', title: '', text: '' } }]}
      nameOf={n => t('event.agenda.item', { n: n + 1 })}
      className={styles['item']}
    >
      {(item, set, n) => {
        const bad = (part: keyof Item) => wrong.has(`${n}/${part}`) || undefined;
        return (
          <>
            <label>
              <span>{t('event.agenda.at')}</span>
              <input
                className={fieldStyles['input']}
                inputMode="numeric"
                maxLength={6}
                value={item.at}
                aria-invalid={bad('at')}
                onChange={event => {
                  set({ at: event.target.value });
                }}
              />
            </label>
            <label>
              <span>{t('event.agenda.title')}</span>
              <input
                data-first
                ref={n === 0 ? inputRef : undefined}
                className={fieldStyles['input']}
                maxLength={200}
                value={item.title}
                aria-invalid={bad('title')}
                onChange={event => {
                  set({ title: event.target.value });
                }}
              />
            </label>
            <label className={styles['text']}>
              <span>{t('event.agenda.text')}</span>
              <textarea
                className={fieldStyles['input']}
                rows={2}
                maxLength={2000}
                value={item.text}
                aria-invalid={bad('text')}
                onChange={event => {
                  set({ text: event.target.value });
                }}
              />
            </label>
          </>
        );
      }}
    </Rows>
  );
}
