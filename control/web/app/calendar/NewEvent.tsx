import { useQueryClient } from '@tanstack/react-query';
import { Link, getRouteApi, useRouter } from '@tanstack/react-router';
import { useForm, useWatch, type Control } from 'react-hook-form';
import { NotAllowed } from '../shell/NotAllowed';
import { api } from '../shell/api';
import { may } from '../shell/guard';
import { useMe } from '../shell/me';
import { useOnce } from '../shell/once';
import { useWhen } from '../shell/when';
import { useT } from '../shell/words';
import { zones } from '../settings/zones';
import { Button } from '../ui/Button';
import { DateTime } from '../ui/DateTime';
import { Field } from '../ui/Field';
import { Form } from '../ui/Form';
import { Select } from '../ui/Select';
import { Languages } from './Languages';
import { type Draft, bodyOf, kinds, rules } from './draft';
import { localOf, momentOf } from './zone';
import settings from '../settings/settings.module.css';
import styles from './calendar.module.css';

const route = getRouteApi('/inside/events/new');

/** "/events/new": what an event needs; all the rest is chosen on its own page. */
export function NewEvent() {
  const t = useT();
  const me = useMe();
  if (!may(me, 'create-events')) return <NotAllowed title={t('newEvent.title')} role="organizer" />;
  return <EventForm />;
}

function EventForm() {
  const t = useT();
  const me = useMe();
  const router = useRouter();
  const queries = useQueryClient();
  const { kind = 'webcast' } = route.useSearch();
  const once = useOnce();
  const form = useForm<Draft>({
    defaultValues: {
      title: '',
      kind,
      startsAt: '',
      endsAt: '',
      timeZone: me.timeZone,
      languages: [me.language],
      access: 'open',
      password: '',
      description: '',
    },
  });
  const { control } = form;
  const chosen = useWatch({ control, name: 'kind' });
  const access = useWatch({ control, name: 'access' });
  const create = api.useMutation('post', '/api/v1/events', {
    onSuccess: async event => {
      await router.navigate({ href: `/events/${event.id}` });
      await queries.invalidateQueries({ queryKey: ['get', '/api/v1/events'] });
    },
  });
  return (
    <>
      <h1>{t('newEvent.title')}</h1>
      <div className={settings['column']}>
        <Form
          form={form}
          error={create.error}
          onSubmit={draft => {
            const body = bodyOf(draft);
            create.mutate({ body, params: { header: once.header(body) } });
          }}
          fields={{
            title: { label: t('newEvent.name'), wrong: t('newEvent.name.wrong') },
            kind: { label: t('newEvent.kind'), wrong: t('field.choose') },
            startsAt: { label: t('newEvent.start'), wrong: t('newEvent.start.wrong') },
            endsAt: { label: t('newEvent.end'), wrong: t('newEvent.end.wrong') },
            timeZone: { label: t('profile.timeZone'), wrong: t('profile.timeZone.wrong') },
            languages: { label: t('newEvent.languages'), wrong: t('newEvent.languages.wrong') },
            access: { label: t('newEvent.access'), wrong: t('field.choose') },
            password: { label: t('newEvent.password'), wrong: t('newEvent.password.rule') },
            description: { label: t('newEvent.description'), wrong: t('newEvent.description.wrong') },
          }}
        >
          <Field
            control={control}
            name="title"
            label={t('newEvent.name')}
            autoComplete="off"
            maxLength={200}
          />
          <Select
            control={control}
            name="kind"
            label={t('newEvent.kind')}
            choices={kinds.map(value => ({ value, name: t(`kind.${value}.long`) }))}
          />
          {chosen !== 'permanent' && (
            <div className={styles['pair']}>
              <DateTime
                control={control}
                name="startsAt"
                label={t('newEvent.start')}
                hint={<Start control={control} />}
                wrong={t('newEvent.start.wrong')}
              />
              <DateTime
                control={control}
                name="endsAt"
                label={t('newEvent.end')}
                wrong={t('newEvent.end.wrong')}
              />
            </div>
          )}
          <Select
            control={control}
            name="timeZone"
            label={t('profile.timeZone')}
            hint={t('newEvent.timeZone.hint')}
            choices={zones(me.timeZone)}
          />
          <Languages
            control={control}
            name="languages"
            label={t('newEvent.languages')}
            hint={t('newEvent.languages.hint')}
          />
          <Select
            control={control}
            name="access"
            label={t('newEvent.access')}
            hint={t('newEvent.access.open')}
            choices={rules.map(value => ({ value, name: t(`access.${value}`) }))}
          />
          {access === 'password' && (
            <Field
              control={control}
              name="password"
              label={t('newEvent.password')}
              hint={t('newEvent.password.rule')}
              type="password"
              autoComplete="off"
              maxLength={64}
            />
          )}
          <Field
            control={control}
            name="description"
            label={t('newEvent.description')}
            hint={t('newEvent.description.hint')}
            lines={5}
            maxLength={20_000}
          />
          <div className={settings['acts']}>
            <Button type="submit" look="main" writes busy={create.isPending}>
              {t('newEvent.act')}
            </Button>
            <Link to="/calendar" className="button">
              {t('cancel')}
            </Link>
            <Link to="/orders/new">{t('order.new')}</Link>
          </div>
        </Form>
      </div>
    </>
  );
}

/** What the start is for whoever types it, where that is not what is typed. */
function Start({ control }: { control: Control<Draft> }) {
  const t = useT();
  const me = useMe();
  const when = useWhen();
  const [startsAt, timeZone] = useWatch({ control, name: ['startsAt', 'timeZone'] });
  const at = momentOf(startsAt, timeZone);
  if (Number.isNaN(at)) return null;
  const really = localOf(at, timeZone);
  if (really !== startsAt) return t('newEvent.skipped', { time: really.slice(11) });
  return localOf(at, me.timeZone) === startsAt ? null : t('newEvent.forYou', { time: when(at) });
}
