import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { type Control, Controller, useForm, useWatch } from 'react-hook-form';
import { client } from '../shell/api';
import { useMe } from '../shell/me';
import { asApiProblem } from '../shell/problem';
import { localeOf } from '../shell/when';
import { type Key, type Words, useWords } from '../shell/words';
import { momentOf } from '../calendar/zone';
import { zones } from '../settings/zones';
import { Button } from '../ui/Button';
import { DateTime } from '../ui/DateTime';
import { Field } from '../ui/Field';
import { Form, type FieldNames } from '../ui/Form';
import { Notice } from '../ui/Notice';
import { Select } from '../ui/Select';
import { Agenda } from './Agenda';
import { NotInEvent } from './NotInEvent';
import { Filters } from './Filters';
import { Languages } from './Languages';
import { Look } from './Look';
import { type KnownEvent, eventQuery, knownOf, languageName, mayIn, useEvent, useKeep } from './event';
import { type Values, differing, fieldsOf, merged, names, placed, valuesOf, wrongItems } from './values';
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
};

const rules = ['open', 'password', 'token', 'registration'] as const;

/** "/events/{id}/edit": what is said of the event. */
export function Edit() {
  const { t } = useWords();
  const event = useEvent();
  if (!mayIn(event, 'edit-event')) return <NotInEvent title={t('event.edit')} event={event} />;
  return (
    <>
      <EditForm />
      <Filters />
      <Look />
    </>
  );
}

/** What the form began with, and the version that a change is based on. */
interface Base {
  values: Values;
  etag: string;
}

function baseOf(event: KnownEvent): Base {
  return { values: valuesOf(event), etag: event.etag };
}

function EditForm() {
  const { t } = useWords();
  const me = useMe();
  const event = useEvent();
  const queries = useQueryClient();
  const keep = useKeep();
  const [base, setBase] = useState(() => baseOf(event));
  /** What somebody else saved since this page read it. */
  const [theirs, setTheirs] = useState<Values>();
  const form = useForm<Values>({ defaultValues: base.values });
  const { control, formState } = form;
  const [access, timeZone] = useWatch({ control, name: ['access', 'timeZone'] });

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
    onSuccess: async saved => {
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
      <h2>{t('event.edit')}</h2>
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
          <Field
            control={control}
            name="title"
            label={t('event.field.title')}
            autoComplete="off"
            maxLength={200}
          />
          <Field
            control={control}
            name="description"
            label={t('event.field.description')}
            lines={5}
            maxLength={20000}
          />
          <div className={styles['pair']}>
            <DateTime
              control={control}
              name="starts"
              label={t('event.field.starts')}
              wrong={t('event.starts.wrong')}
            />
            <DateTime
              control={control}
              name="ends"
              label={t('event.field.ends')}
              hint={t('event.ends.hint')}
              wrong={t('event.ends.wrong')}
            />
          </div>
          <Select
            control={control}
            name="timeZone"
            label={t('event.field.timeZone')}
            hint={timeZone === me.timeZone ? undefined : <Own control={control} />}
            choices={zones(timeZone)}
          />
          <Controller
            control={control}
            name="languages"
            render={({ field, fieldState }) => (
              <Languages
                value={field.value}
                onChange={field.onChange}
                several={event.options.languages}
                error={fieldState.error?.message}
                inputRef={field.ref}
              />
            )}
          />
          <Select
            control={control}
            name="access"
            label={t('event.field.access')}
            choices={rules
              .filter(rule => rule !== 'registration' || event.options.registration || access === rule)
              .map(rule => ({ value: rule, name: t(`access.${rule}`) }))}
          />
          {access === 'password' && (
            <Field
              control={control}
              name="password"
              label={t('event.field.password')}
              hint={event.password ? t('event.password.keep') : t('event.password.hint')}
              type="password"
              autoComplete="new-password"
              maxLength={64}
            />
          )}
          <Controller
            control={control}
            name="agenda"
            render={({ field, fieldState }) => (
              <Agenda
                value={field.value}
                onChange={field.onChange}
                wrong={wrongItems(fieldState.invalid ? problem : undefined)}
                error={fieldState.error?.message}
                inputRef={field.ref}
              />
            )}
          />
          <Field
            control={control}
            name="lobby"
            label={t('event.field.lobby')}
            hint={t('event.lobby.hint')}
            lines={3}
            maxLength={2000}
          />
          <div className={styles['acts']}>
            <Button type="submit" look="main" writes busy={isPending}>
              {t('event.save')}
            </Button>
            <span role="status">{save.isSuccess && !formState.isDirty ? t('saved') : ''}</span>
          </div>
        </Form>
      </div>
    </>
  );
}

/** The start in the time zone of whoever reads this. */
function Own({ control }: { control: Control<Values> }) {
  const { t, language } = useWords();
  const me = useMe();
  const [starts, zone] = useWatch({ control, name: ['starts', 'timeZone'] });
  const moment = momentOf(starts, zone);
  if (Number.isNaN(moment)) return null;
  const time = new Intl.DateTimeFormat(localeOf(language), {
    dateStyle: 'medium',
    timeStyle: 'short',
    timeZone: me.timeZone,
  }).format(moment);
  return t('event.starts.own', { time });
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
