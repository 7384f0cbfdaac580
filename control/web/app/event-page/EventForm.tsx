import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { type UseFormReturn, useForm } from 'react-hook-form';
import { client } from '../shell/api';
import { type ApiProblem, asApiProblem } from '../shell/problem';
import { type Key, type Words, useWords } from '../shell/words';
import { Button } from '../ui/Button';
import { Form, type FieldNames } from '../ui/Form';
import { Notice } from '../ui/Notice';
import { type KnownEvent, eventQuery, knownOf, languageName, useEvent, useKeep } from './event';
import { type Values, differing, fieldsOf, merged, names, placed, valuesOf } from './values';
import styles from './event-page.module.css';

const wrongs: Record<keyof Values, Key> = {
  title: 'field.required',
  description: 'event.description.wrong',
  starts: 'event.starts.wrong',
  ends: 'event.ends.wrong',
  timeZone: 'profile.timeZone.wrong',
  languages: 'event.languages.wrong',
  access: 'event.access.wrong',
  password: 'event.password.wrong',
  agenda: 'event.agenda.wrong',
  lobby: 'event.lobby.wrong',
  form: 'event.form.wrong',
  cap: 'event.cap.wrong',
  approval: 'field.choose',
};

/** What the form began with, and the version that a change is based on. */
interface Base {
  values: Values;
  etag: string;
}

function baseOf(event: KnownEvent): Base {
  return { values: valuesOf(event), etag: event.etag };
}

interface Props {
  title: string;
  /** What the button does. */
  act: string;
  /** The inputs; problem is what the server said to the last try. */
  children: (form: UseFormReturn<Values>, problem: ApiProblem | undefined) => React.ReactNode;
  /** Told of what was changed here, once it is saved. */
  onSaved?: (changed: readonly (keyof Values)[]) => void;
}

/** A part of what is said of the event: only what was typed is sent, and two who change different things are both right. */
export function EventForm({ title, act, children, onSaved }: Props) {
  const { t } = useWords();
  const event = useEvent();
  const queries = useQueryClient();
  const keep = useKeep();
  const [base, setBase] = useState(() => baseOf(event));
  /** What somebody else saved since this page read it. */
  const [theirs, setTheirs] = useState<Values>();
  const form = useForm<Values>({ defaultValues: base.values });
  const { formState } = form;

  const save = useMutation({
    mutationFn: async (typed: Values) => {
      try {
        const { data, response } = await client.PATCH('/api/v1/events/{id}', {
          body: fieldsOf(base.values, typed),
          params: { path: { id: event.id }, header: { 'If-Match': [base.etag] } },
        });
        return knownOf(data, response);
      } catch (thrown) {
        throw placed(asApiProblem(thrown));
      }
    },
    onSuccess: async (saved, typed) => {
      onSaved?.(differing(base.values, typed));
      await keep(saved);
      const now = baseOf(saved);
      setBase(now);
      setTheirs(undefined);
      form.reset(now.values);
    },
    onError: async (thrown, typed) => {
      if (asApiProblem(thrown).kind !== 'changed') return;
      const now = baseOf(await queries.query({ ...eventQuery(event.id), staleTime: 0 }));
      begin(now, merged(base.values, typed, now.values));
      setTheirs(now.values);
    },
  });

  /** Bases the form on now, with values typed in. */
  const begin = (now: Base, values: Values) => {
    setBase(now);
    form.reset(now.values);
    for (const name of differing(now.values, values))
      form.setValue(name, values[name], { shouldDirty: true });
  };

  // What changes while nothing is typed is shown; a step alone changes nothing that is written here.
  const { isPending } = save;
  useEffect(() => {
    if (isPending || theirs || event.etag === base.etag) return;
    const now = baseOf(event);
    const same = differing(base.values, now.values).length === 0;
    const untouched = differing(base.values, form.getValues()).length === 0;
    if (!same && !untouched) return;
    if (!same) form.reset(now.values);
    // eslint-disable-next-line react-hooks/set-state-in-effect -- what was typed is known to the form, outside React
    setBase(now);
  }, [event, base, form, theirs, isPending]);

  const changed = save.isError && asApiProblem(save.error).kind === 'changed';
  const problem = save.isError && !changed ? asApiProblem(save.error) : undefined;
  return (
    <>
      <h2>{title}</h2>
      <div className={styles['column']}>
        <Form
          form={form}
          error={problem}
          onSubmit={values => {
            save.mutate(values);
          }}
          fields={fieldNames(t)}
        >
          {theirs && (
            <Changed
              theirs={theirs}
              mine={form.getValues()}
              take={() => {
                form.reset(theirs);
                setTheirs(undefined);
                save.reset();
              }}
            />
          )}
          {children(form, problem)}
          <div className={styles['acts']}>
            <Button type="submit" look="main" writes busy={isPending}>
              {act}
            </Button>
            <span role="status">{save.isSuccess && !formState.isDirty ? t('saved') : ''}</span>
          </div>
        </Form>
      </div>
    </>
  );
}

function fieldNames(t: Words['t']): Record<keyof Values, FieldNames> {
  return Object.fromEntries(
    names.map(name => [name, { label: t(`event.field.${name}`), wrong: t(wrongs[name]) }]),
  ) as Record<keyof Values, FieldNames>;
}

/** After a conflict: what is saved now where it differs from what is typed here, and the way to take it. */
function Changed({ theirs, mine, take }: { theirs: Values; mine: Values; take: () => void }) {
  const { t, language } = useWords();
  const differ = differing(theirs, mine).filter(name => name !== 'password');
  return (
    <Notice kind="warn">
      <p>{differ.length === 0 ? t('event.changed.other') : t('event.changed')}</p>
      {differ.length > 0 && (
        <ul className={styles['differ']}>
          {differ.map(name => (
            <li key={name}>
              {t('profile.changed.is', {
                name: t(`event.field.${name}`),
                value: written(theirs, name, t, language) || '–',
              })}
            </li>
          ))}
        </ul>
      )}
      <div>
        <Button onPress={take}>{t('profile.changed.take')}</Button>
      </div>
    </Notice>
  );
}

function written(values: Values, name: keyof Values, t: Words['t'], language: Words['language']): string {
  switch (name) {
    case 'access':
      return t(`access.${values.access}`);
    case 'approval':
      return t(values.approval ? 'yes' : 'no');
    case 'form':
      return values.form
        .map(({ label, kind }) => t('event.form.line', { label, kind: t(`event.form.kind.${kind}`) }))
        .join(' · ');
    case 'agenda':
      return values.agenda.map(({ at, title }) => t('event.agenda.line', { at, title })).join(' · ');
    case 'languages':
      return values.languages.map(tag => languageName(tag, language)).join(', ');
    case 'starts':
    case 'ends':
      return values[name].replace('T', ' ');
    default:
      return values[name];
  }
}
