import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Controller, type UseFormReturn, useWatch } from 'react-hook-form';
import { client } from '../shell/api';
import { useOnce } from '../shell/once';
import { type ApiProblem, asApiProblem } from '../shell/problem';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { CopyButton } from '../ui/Copy';
import { AskFirst } from '../ui/Dialog';
import { Field } from '../ui/Field';
import { ProblemPanel } from '../ui/Problem';
import { Select } from '../ui/Select';
import { EventForm } from './EventForm';
import { FormBuilder } from './FormBuilder';
import { NotInEvent } from './NotInEvent';
import { knownOf, mayIn, useEvent, useKeep } from './event';
import { type Values, wrongItems } from './values';
import styles from './event-page.module.css';

const rules = ['open', 'password', 'token', 'registration'] as const;

/** "/events/{id}/access": who comes in, and what registration asks. */
export function Access() {
  const t = useT();
  const event = useEvent();
  if (!mayIn(event, 'edit-event')) return <NotInEvent title={t('event.access')} event={event} />;
  return (
    <>
      <EventForm title={t('event.access')} act={t('access.save')}>
        {(form, problem) => <Rule form={form} problem={problem} />}
      </EventForm>
      <Direct />
    </>
  );
}

function Rule({ form, problem }: { form: UseFormReturn<Values>; problem: ApiProblem | undefined }) {
  const t = useT();
  const event = useEvent();
  const { control } = form;
  const access = useWatch({ control, name: 'access' });
  return (
    <>
      <Select
        control={control}
        name="access"
        label={t('event.field.access')}
        hint={t(`access.${access}.long`)}
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
      {access === 'registration' && (
        <>
          <Controller
            control={control}
            name="form"
            render={({ field, fieldState }) => (
              <FormBuilder
                value={field.value}
                onChange={field.onChange}
                wrong={wrongItems(fieldState.invalid ? problem : undefined, 'form')}
                error={fieldState.error?.message}
                inputRef={field.ref}
              />
            )}
          />
          <Field
            control={control}
            name="cap"
            label={t('event.field.cap')}
            hint={t('event.cap.hint')}
            inputMode="numeric"
            autoComplete="off"
            maxLength={7}
          />
          <Controller
            control={control}
            name="approval"
            render={({ field }) => (
              <label className={styles['tick']}>
                <input
                  type="checkbox"
                  ref={field.ref}
                  checked={field.value}
                  onChange={change => {
                    field.onChange(change.target.checked);
                  }}
                />
                {t('event.approval.tick')}
              </label>
            )}
          />
        </>
      )}
    </>
  );
}

/** The link that lets in whoever has it. */
function Direct() {
  const t = useT();
  const event = useEvent();
  const keep = useKeep();
  const [asks, setAsks] = useState<'renew' | 'remove'>('renew');
  const [open, setOpen] = useState(false);
  const path = { params: { path: { id: event.id } } };
  const once = useOnce();
  const change = useMutation({
    mutationFn: async (what: 'make' | 'remove') => {
      if (what === 'remove') await client.DELETE('/api/v1/events/{id}/direct', path);
      const { data, response } =
        what === 'remove'
          ? await client.GET('/api/v1/events/{id}', path)
          : await client.POST('/api/v1/events/{id}/direct', {
              params: { ...path.params, header: once.header() },
            });
      return knownOf(data, response);
    },
    onSuccess: async now => {
      once.done();
      await keep(now);
      setOpen(false);
    },
  });
  const problem = change.isError ? asApiProblem(change.error) : undefined;
  const ask = (what: 'renew' | 'remove') => () => {
    setAsks(what);
    setOpen(true);
  };
  return (
    <section className={styles['section']} aria-labelledby="direct">
      <h3 id="direct">{t('access.direct')}</h3>
      <p className="muted">{t('access.direct.text')}</p>
      {problem && !open && <ProblemPanel problem={problem} />}
      {event.directLink === undefined ? (
        <div>
          <Button
            writes
            busy={change.isPending}
            onPress={() => {
              change.mutate('make');
            }}
          >
            {t('access.direct.make')}
          </Button>
        </div>
      ) : (
        <>
          <div className={styles['copied']}>
            <div>
              <code>{event.directLink}</code>
              <CopyButton value={event.directLink} name={t('access.direct')} />
            </div>
          </div>
          <div className={styles['acts']}>
            <Button writes onPress={ask('renew')}>
              {t('access.direct.renew')}
            </Button>
            <Button look="danger" writes onPress={ask('remove')}>
              {t('access.direct.remove')}
            </Button>
          </div>
        </>
      )}
      <AskFirst
        open={open}
        close={() => {
          setOpen(false);
          change.reset();
        }}
        title={t(`access.direct.${asks}.ask`)}
        text={t('access.direct.renew.text')}
        act={t(asks === 'renew' ? 'access.direct.make' : 'access.direct.remove')}
        busy={change.isPending}
        problem={problem}
        onAct={() => {
          change.mutate(asks === 'renew' ? 'make' : 'remove');
        }}
      />
    </section>
  );
}
