import { useState } from 'react';
import { type Control, Controller, type UseFormReturn, useWatch } from 'react-hook-form';
import { useMe } from '../shell/me';
import { type ApiProblem } from '../shell/problem';
import { localeOf } from '../shell/when';
import { useT, useWords } from '../shell/words';
import { momentOf } from '../calendar/zone';
import { zones } from '../settings/zones';
import { DateTime } from '../ui/DateTime';
import { Field } from '../ui/Field';
import { Select } from '../ui/Select';
import { Agenda } from './Agenda';
import { EventForm } from './EventForm';
import { NotInEvent } from './NotInEvent';
import { Filters } from './Filters';
import { Languages } from './Languages';
import { Look } from './Look';
import { MailBlocks } from './MailBlocks';
import { TellGuests } from './TellGuests';
import { isOver, mayIn, useEvent } from './event';
import { type Values, wrongItems } from './values';
import styles from './event-page.module.css';

/** What guests come by, and have in their mails and calendars. */
const told: readonly (keyof Values)[] = ['title', 'starts', 'ends', 'timeZone'];

/** "/events/{id}/edit": what is said of the event. */
export function Edit() {
  const t = useT();
  const event = useEvent();
  /** The changes that guests may be told of, counted; 0 where nobody is asked. */
  const [changes, setChanges] = useState(0);
  if (!mayIn(event, 'edit-event')) return <NotInEvent title={t('event.edit')} event={event} />;
  return (
    <>
      <EventForm
        title={t('event.edit')}
        act={t('event.save')}
        onSaved={changed => {
          if (told.some(name => changed.includes(name))) setChanges(changes + 1);
        }}
      >
        {(form, problem) => <Words form={form} problem={problem} />}
      </EventForm>
      {changes > 0 && mayIn(event, 'edit-guests') && !isOver(event.state) && (
        <TellGuests
          key={changes}
          onLeave={() => {
            setChanges(0);
          }}
        />
      )}
      <Filters />
      <Look />
      <MailBlocks />
    </>
  );
}

function Words({ form, problem }: { form: UseFormReturn<Values>; problem: ApiProblem | undefined }) {
  const t = useT();
  const me = useMe();
  const event = useEvent();
  const { control } = form;
  const timeZone = useWatch({ control, name: 'timeZone' });
  return (
    <>
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
