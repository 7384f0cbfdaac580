import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useForm, useWatch, type Control } from 'react-hook-form';
import { type Me, client } from '../shell/api';
import { type Self, meQuery, selfOf, useMe } from '../shell/me';
import { asApiProblem } from '../shell/problem';
import { localeOf } from '../shell/when';
import { type Key, useWords } from '../shell/words';
import { Button } from '../ui/Button';
import { Field } from '../ui/Field';
import { Form } from '../ui/Form';
import { Notice } from '../ui/Notice';
import { Select } from '../ui/Select';
import { keepLanguage, languageNames, languages } from '../ui/language';
import { countryChoices, zones } from './zones';
import styles from './settings.module.css';

type Values = Pick<Me, 'name' | 'language' | 'timeZone' | 'country' | 'signature'>;

const labels: Record<keyof Values, Key> = {
  name: 'field.name',
  language: 'profile.language',
  timeZone: 'profile.timeZone',
  country: 'profile.country',
  signature: 'profile.signature',
};
const names = Object.keys(labels) as (keyof Values)[];

function valuesOf({ name, language, timeZone, country, signature }: Values): Values {
  return { name, language, timeZone, country, signature };
}

/** "/settings/profile": what one says of oneself. */
export function Profile() {
  const { t, language } = useWords();
  const me = useMe();
  const queries = useQueryClient();
  const form = useForm<Values>({ defaultValues: valuesOf(me) });
  /** What somebody else saved since this page read it. */
  const [theirs, setTheirs] = useState<Self>();
  // What the form began with names the version that a change is based on, whatever else is read meanwhile.
  const [etag, setEtag] = useState(me.etag);

  const save = useMutation({
    mutationFn: async (body: Values) => {
      const { data, response } = await client.PATCH('/api/v1/me', {
        body,
        params: { header: { 'If-Match': [etag] } },
      });
      return selfOf(data, response);
    },
    onSuccess: self => {
      queries.setQueryData(meQuery.queryKey, self);
      setEtag(self.etag);
      setTheirs(undefined);
      form.reset(valuesOf(self));
      if (self.language === language) return;
      keepLanguage(self.language);
      location.assign(location.pathname); // the whole page speaks it from here on
    },
    onError: async thrown => {
      if (asApiProblem(thrown).kind !== 'changed') return;
      const now = await queries.query({ ...meQuery, staleTime: 0 });
      setTheirs(now);
      setEtag(now.etag);
    },
  });
  const changed = save.isError && asApiProblem(save.error).kind === 'changed';

  return (
    <>
      <h1>{t('profile.title')}</h1>
      <div className={styles['column']}>
        <Form
          form={form}
          error={changed ? null : save.error}
          onSubmit={values => {
            save.mutate(values);
          }}
          fields={{
            name: { label: t(labels.name), wrong: t('field.required') },
            language: { label: t(labels.language), wrong: t('field.choose') },
            timeZone: { label: t(labels.timeZone), wrong: t('profile.timeZone.wrong') },
            country: { label: t(labels.country), wrong: t('field.choose') },
            signature: { label: t(labels.signature), wrong: t('profile.signature.wrong') },
          }}
        >
          {theirs && (
            <Changed
              theirs={theirs}
              mine={form.getValues()}
              take={() => {
                form.reset(valuesOf(theirs));
                setTheirs(undefined);
                save.reset();
              }}
            />
          )}
          <Field
            control={form.control}
            name="name"
            label={t(labels.name)}
            autoComplete="name"
            maxLength={80}
          />
          <p className="small muted">{t('profile.email', { email: me.email })}</p>
          <Select
            control={form.control}
            name="language"
            label={t(labels.language)}
            choices={languages.map(value => ({ value, name: languageNames[value], lang: value }))}
          />
          <Select
            control={form.control}
            name="timeZone"
            label={t(labels.timeZone)}
            hint={<Example control={form.control} />}
            choices={zones(me.timeZone)}
          />
          <Select
            control={form.control}
            name="country"
            label={t(labels.country)}
            choices={countryChoices(language, t('profile.country.none'))}
          />
          <Field
            control={form.control}
            name="signature"
            label={t(labels.signature)}
            hint={t('profile.signature.hint')}
            lines={4}
            maxLength={2000}
          />
          <div className={styles['acts']}>
            <Button type="submit" look="main" writes busy={save.isPending}>
              {t('profile.save')}
            </Button>
            <span role="status">{save.isSuccess && !form.formState.isDirty ? t('saved') : ''}</span>
          </div>
        </Form>
      </div>
    </>
  );
}

/** The time that it is now in the zone that is chosen. */
function Example({ control }: { control: Control<Values> }) {
  const { t, language } = useWords();
  const timeZone = useWatch({ control, name: 'timeZone' });
  const [now] = useState(() => Date.now());
  const time = new Intl.DateTimeFormat(localeOf(language), {
    dateStyle: 'medium',
    timeStyle: 'short',
    timeZone,
  }).format(now);
  return t('profile.timeZone.example', { time });
}

/** After a conflict: what is saved now where it differs from what is typed here, and the way to take it. */
function Changed({ theirs, mine, take }: { theirs: Self; mine: Values; take: () => void }) {
  const { t } = useWords();
  const differ = names.filter(name => theirs[name] !== mine[name]);
  return (
    <Notice kind="warn">
      <p>{t('profile.changed')}</p>
      <ul className={styles['differ']}>
        {differ.map(name => (
          <li key={name}>{t('profile.changed.is', { name: t(labels[name]), value: theirs[name] || '–' })}</li>
        ))}
      </ul>
      <div>
        <Button onPress={take}>{t('profile.changed.take')}</Button>
      </div>
    </Notice>
  );
}
