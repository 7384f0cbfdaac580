import { ArrowDown, ArrowUp, Plus, Trash2 } from 'lucide-react';
import { useId, useRef } from 'react';
import { useT } from '../shell/words';
import { Button, IconButton } from '../ui/Button';
import fieldStyles from '../ui/Field.module.css';
import { type Item, moved } from './values';
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
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const set = (at: number, part: Partial<Item>) => {
    onChange(value.map((item, n) => (n === at ? { ...item, ...part } : item)));
  };
  /** To the title of a row, once it is there. */
  const focus = (at: number) => {
    requestAnimationFrame(() => {
      list.current?.children[at]?.querySelector<HTMLInputElement>('[data-title]')?.focus();
    });
  };
  const move = (from: number, by: 1 | -1) => {
    // Times stay where they are: what moves is what happens at them.
    const times = value.map(({ at }) => at);
    onChange(moved(value, from, by).map((item, n) => ({ ...item, at: times[n] ?? item.at })));
    focus(from + by);
  };
  return (
    <fieldset className={styles['agenda']} aria-describedby={`${id}-hint ${id}-error`}>
      <legend>{t('event.field.agenda')}</legend>
      <span id={`${id}-hint`} className={fieldStyles['hint']}>
        {t('event.agenda.hint')}
      </span>
      <span id={`${id}-error`} className={fieldStyles['error']}>
        {error}
      </span>
      {value.length > 0 && (
        <div ref={list} className={styles['items']}>
          {value.map((item, n) => {
            const name = t('event.agenda.item', { n: n + 1 });
            const bad = (part: keyof Item) => wrong.has(`${n}/${part}`) || undefined;
            return (
              <div key={n} className={styles['item']} role="group" aria-label={name}>
                <label>
                  <span>{t('event.agenda.at')}</span>
                  <input
                    className={fieldStyles['input']}
                    inputMode="numeric"
                    maxLength={6}
                    value={item.at}
                    aria-invalid={bad('at')}
                    onChange={event => {
                      set(n, { at: event.target.value });
                    }}
                  />
                </label>
                <label>
                  <span>{t('event.agenda.title')}</span>
                  <input
                    data-title
                    ref={n === 0 ? inputRef : undefined}
                    className={fieldStyles['input']}
                    maxLength={200}
                    value={item.title}
                    aria-invalid={bad('title')}
                    onChange={event => {
                      set(n, { title: event.target.value });
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
                      set(n, { text: event.target.value });
                    }}
                  />
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
          isDisabled={value.length >= 100}
          onPress={() => {
            onChange([...value, { at: value.at(-1)?.at ?? '0', title: '', text: '' }]);
            focus(value.length);
          }}
        >
          <Plus size={20} aria-hidden />
          {t('event.agenda.add')}
        </Button>
      </div>
    </fieldset>
  );
}
