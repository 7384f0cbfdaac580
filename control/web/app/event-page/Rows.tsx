import { ArrowDown, ArrowUp, GripVertical, Plus, Trash2 } from 'lucide-react';
import { type DragEvent, type ReactNode, useId, useRef, useState } from 'react';
import { useT } from '../shell/words';
import { Button, IconButton } from '../ui/Button';
import fieldStyles from '../ui/Field.module.css';
import { moved } from './values';
import styles from './event-page.module.css';

interface Props<Row> {
  legend: string;
  hint: string;
  error: string | undefined;
  value: readonly Row[];
  onChange: (value: Row[]) => void;
  /** Told in place of onChange of what moved, where something stays at its place. */
  onMove?: (value: Row[]) => void;
  most: number;
  /** What can be added, and what that is called. */
  adds: readonly { name: string; row: Row }[];
  /** Says how, above several of adds. */
  addHint?: string;
  nameOf: (n: number) => string;
  className: string | undefined;
  /** The inputs of a row; the one with data-first is focused where the row is new or has moved. */
  children: (row: Row, set: (part: Partial<Row>) => void, n: number) => ReactNode;
}

/** Rows in an order: added, moved and removed by buttons; added and moved by dragging, too. */
export function Rows<Row>({
  legend,
  hint,
  error,
  value,
  onChange,
  onMove = onChange,
  most,
  adds,
  addHint,
  nameOf,
  className,
  children,
}: Props<Row>) {
  const t = useT();
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  /** What a pointer drags: the place of a row, or what is to be added. */
  const [held, setHeld] = useState<number | { row: Row }>();
  /** Above which row it would stand. */
  const [gap, setGap] = useState<number>();
  const full = value.length >= most;

  /** To a row, once it is there. */
  const focus = (at: number) => {
    requestAnimationFrame(() => {
      list.current?.children[at]?.querySelector<HTMLInputElement>('[data-first]')?.focus();
    });
  };
  const move = (from: number, to: number) => {
    onMove(moved(value, from, to));
    focus(to);
  };
  const add = (row: Row, at: number) => {
    onChange(value.toSpliced(at, 0, row));
    focus(at);
  };

  const hold = (event: DragEvent, what: typeof held, shown: Element | null) => {
    event.dataTransfer.setData('application/x-freshet-row', legend); // without data some browsers drag nothing
    if (shown) event.dataTransfer.setDragImage(shown, 16, 16);
    setHeld(what);
  };
  const drop = () => {
    setHeld(undefined);
    setGap(undefined);
  };
  const gapAt = ({ clientY }: DragEvent) =>
    [...(list.current?.children ?? [])]
      .map(row => row.getBoundingClientRect())
      .filter(({ top, height }) => top + height / 2 < clientY).length;
  const over = (event: DragEvent) => {
    if (held === undefined) return;
    event.preventDefault();
    setGap(gapAt(event));
  };
  const take = (event: DragEvent) => {
    if (held === undefined) return;
    event.preventDefault();
    const at = gapAt(event);
    if (typeof held === 'object') add(held.row, at);
    else move(held, at > held ? at - 1 : at);
    drop();
  };
  /** Where the edge of row n shows what is dragged. */
  const edge = (n: number) =>
    gap === n ? styles['before'] : gap === value.length && n === gap - 1 ? styles['after'] : undefined;

  return (
    <fieldset
      className={styles['agenda']}
      aria-describedby={`${id}-hint ${id}-error`}
      onDragOver={over}
      onDragLeave={event => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setGap(undefined);
      }}
      onDrop={take}
      onDragEnd={drop}
    >
      <legend>{legend}</legend>
      <span id={`${id}-hint`} className={fieldStyles['hint']}>
        {hint}
      </span>
      <span id={`${id}-error`} className={fieldStyles['error']}>
        {error}
      </span>
      {value.length > 0 && (
        <div ref={list} className={styles['items']}>
          {value.map((row, n) => {
            const name = nameOf(n);
            const set = (part: Partial<Row>) => {
              onChange(value.with(n, { ...row, ...part }));
            };
            return (
              <div key={n} className={`${className ?? ''} ${edge(n) ?? ''}`} role="group" aria-label={name}>
                {children(row, set, n)}
                <div className={styles['moves']}>
                  <span
                    className={styles['grip']}
                    draggable
                    onDragStart={event => {
                      hold(event, n, event.currentTarget.closest('[role="group"]'));
                    }}
                  >
                    <GripVertical size={20} aria-hidden />
                  </span>
                  <IconButton
                    name={t('event.agenda.up', { name })}
                    isDisabled={n === 0}
                    onPress={() => {
                      move(n, n - 1);
                    }}
                  >
                    <ArrowUp size={20} />
                  </IconButton>
                  <IconButton
                    name={t('event.agenda.down', { name })}
                    isDisabled={n === value.length - 1}
                    onPress={() => {
                      move(n, n + 1);
                    }}
                  >
                    <ArrowDown size={20} />
                  </IconButton>
                  <IconButton
                    name={t('event.agenda.remove', { name })}
                    onPress={() => {
                      onChange(value.toSpliced(n, 1));
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
      {addHint !== undefined && <span className={fieldStyles['hint']}>{addHint}</span>}
      <div className={styles['adds']}>
        {adds.map(({ name, row }) => (
          <span
            key={name}
            draggable={!full}
            onDragStart={event => {
              hold(event, { row }, event.currentTarget);
            }}
          >
            <GripVertical size={20} aria-hidden />
            <Button
              isDisabled={full}
              onPress={() => {
                add(row, value.length);
              }}
            >
              <Plus size={20} aria-hidden />
              {name}
            </Button>
          </span>
        ))}
      </div>
    </fieldset>
  );
}
