import { useQueryClient } from '@tanstack/react-query';
import { useForm } from 'react-hook-form';
import { Languages } from '../calendar/Languages';
import { timeZoneHere } from '../enter/newcomer';
import { zones } from '../settings/zones';
import { api } from '../shell/api';
import { may } from '../shell/guard';
import { type Self, meQuery } from '../shell/me';
import { useOnce } from '../shell/once';
import { useWords } from '../shell/words';
import { Button } from '../ui/Button';
import { Checks } from '../ui/Checks';
import { DateTime } from '../ui/DateTime';
import { Field } from '../ui/Field';
import { Form } from '../ui/Form';
import { Notice } from '../ui/Notice';
import { Select } from '../ui/Select';
import { type Draft, bodyOf, durations, lasting, options } from './draft';
import settings from '../settings/settings.module.css';

/** "/orders/new": a quote, for whoever wants a webcast; of a member who may make events, for its account. */
export function NewOrder() {
  const { t, language } = useWords();
  const me = useQueryClient().getQueryData<Self>(meQuery.queryKey);
  const once = useOnce();
  const form = useForm<Draft>({
    defaultValues: {
      organization: me?.account?.name ?? '',
      name: me?.name ?? '',
      email: me?.email ?? '',
      phone: '',
      title: '',
      startsAt: '',
      timeZone: me?.timeZone ?? timeZoneHere(),
      minutes: '60',
      viewers: '',
      languages: [language],
      options: ['registration'],
      remarks: '',
    },
  });
  const { control } = form;
  const stranger = api.useMutation('post', '/api/v1/public/quotes');
  const member = api.useMutation('post', '/api/v1/quotes');
  const asked = stranger.data ?? member.data;
  return (
    <>
      <h1>{t('order.new')}</h1>
      {asked ? (
        <Notice kind="ok">
          <p>{t('order.asked', { email: form.getValues('email') })}</p>
          <p>
            {t('order.number')} <code className="mono">{asked.id}</code>
          </p>
        </Notice>
      ) : (
        <div className={settings['column']}>
          <p>{t('order.lead')}</p>
          <Form
            form={form}
            error={stranger.error ?? member.error}
            onSubmit={draft => {
              const body = bodyOf(draft, language);
              if (me && may(me, 'create-events'))
                member.mutate({ body, params: { header: once.header(body) } });
              else stranger.mutate({ body });
            }}
            fields={{
              title: { label: t('order.title'), wrong: t('newEvent.name.wrong') },
              startsAt: { label: t('newEvent.start'), wrong: t('order.start.wrong') },
              timeZone: { label: t('profile.timeZone'), wrong: t('profile.timeZone.wrong') },
              minutes: { label: t('order.duration'), wrong: t('field.choose') },
              viewers: { label: t('order.viewers'), wrong: t('order.viewers.wrong') },
              languages: { label: t('newEvent.languages'), wrong: t('order.languages.wrong') },
              options: { label: t('order.options'), wrong: t('field.choose') },
              organization: { label: t('order.organization'), wrong: t('field.required') },
              name: { label: t('field.name'), wrong: t('field.required') },
              email: { label: t('field.email'), wrong: t('field.email.wrong') },
              phone: { label: t('order.phone.optional'), wrong: t('order.phone.wrong') },
              remarks: { label: t('order.remarks.optional'), wrong: t('order.remarks.wrong') },
            }}
          >
            <Field
              control={control}
              name="title"
              label={t('order.title')}
              autoComplete="off"
              maxLength={200}
            />
            <DateTime
              control={control}
              name="startsAt"
              label={t('newEvent.start')}
              wrong={t('order.start.wrong')}
            />
            <Select
              control={control}
              name="timeZone"
              label={t('profile.timeZone')}
              choices={zones(form.getValues('timeZone'))}
            />
            <Select
              control={control}
              name="minutes"
              label={t('order.duration')}
              choices={durations.map(minutes => ({ value: String(minutes), name: lasting(minutes) }))}
            />
            <Field
              control={control}
              name="viewers"
              label={t('order.viewers')}
              hint={t('order.viewers.hint')}
              inputMode="numeric"
              autoComplete="off"
              maxLength={7}
            />
            <Languages
              control={control}
              name="languages"
              label={t('newEvent.languages')}
              hint={t('order.languages.hint')}
            />
            <Checks
              control={control}
              name="options"
              label={t('order.options')}
              hint={t('order.options.hint')}
              choices={options
                .filter(option => option !== 'languages')
                .map(value => ({ value, name: t(`order.option.${value}`) }))}
            />
            <Field
              control={control}
              name="organization"
              label={t('order.organization')}
              autoComplete="organization"
              maxLength={80}
            />
            <Field control={control} name="name" label={t('field.name')} autoComplete="name" maxLength={80} />
            <Field
              control={control}
              name="email"
              label={t('field.email')}
              type="email"
              autoComplete="email"
            />
            <Field
              control={control}
              name="phone"
              label={t('order.phone.optional')}
              autoComplete="tel"
              inputMode="tel"
              maxLength={40}
            />
            <Field
              control={control}
              name="remarks"
              label={t('order.remarks.optional')}
              lines={5}
              maxLength={4000}
            />
            <div className={settings['acts']}>
              <Button type="submit" look="main" writes busy={stranger.isPending || member.isPending}>
                {t('order.act')}
              </Button>
            </div>
          </Form>
        </div>
      )}
    </>
  );
}
