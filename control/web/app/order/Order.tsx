import { Check, Minus, Printer } from 'lucide-react';
import { NotInEvent } from '../event-page/NotInEvent';
import { languageName, mayIn, useEvent } from '../event-page/event';
import { api } from '../shell/api';
import { asApiProblem } from '../shell/problem';
import type { components } from '../shell/schema';
import { localeOf } from '../shell/when';
import { useT, useWords } from '../shell/words';
import { Button } from '../ui/Button';
import { Loading } from '../ui/Loading';
import { ProblemPanel } from '../ui/Problem';
import { lasting, options } from './draft';
import page from '../event-page/event-page.module.css';
import styles from './order.module.css';

type OrderForm = components['schemas']['OrderForm'];
type Ordered = NonNullable<OrderForm['order']>;

/** "/events/{id}/order": what was ordered, to read and to print. */
export function Order() {
  const t = useT();
  const event = useEvent();
  if (!mayIn(event, 'see-order')) return <NotInEvent title={t('order.heading')} event={event} />;
  return <Form />;
}

function Form() {
  const t = useT();
  const { id } = useEvent();
  const form = api.useQuery('get', '/api/v1/events/{id}/order', { params: { path: { id } } });
  return (
    <section className={page['section']} aria-labelledby="order">
      <div className={page['head']}>
        <h2 id="order">{t('order.heading')}</h2>
        <Button
          onPress={() => {
            print();
          }}
        >
          <Printer size={20} aria-hidden />
          {t('order.print')}
        </Button>
      </div>
      {form.isPending && <Loading />}
      {form.isError && <ProblemPanel problem={asApiProblem(form.error)} again={() => void form.refetch()} />}
      {form.data && (
        <>
          {!form.data.order && <p>{t('order.none')}</p>}
          <ul className={styles['options']} aria-label={t('order.options')}>
            {options.map(option => (
              <li key={option}>
                {form.data.options[option] ? (
                  <Check size={20} aria-hidden />
                ) : (
                  <Minus size={20} aria-hidden />
                )}
                {t(`order.option.${option}`)}
                {!form.data.options[option] && <span className="small muted">{t('order.option.none')}</span>}
              </li>
            ))}
          </ul>
          {form.data.order && <Lines order={form.data.order} />}
        </>
      )}
    </section>
  );
}

function Lines({ order }: { order: Ordered }) {
  const { t, language } = useWords();
  const moment = new Intl.DateTimeFormat(localeOf(language), {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZone: order.timeZone,
    timeZoneName: 'short',
  });
  const lines: [string, string | undefined][] = [
    [t('order.title'), order.title],
    [t('newEvent.start'), moment.format(new Date(order.startsAt))],
    [t('order.duration'), lasting(order.minutes)],
    [t('order.viewers'), new Intl.NumberFormat(localeOf(language)).format(order.viewers)],
    [
      t('newEvent.languages'),
      new Intl.ListFormat(language, { type: 'unit' }).format(
        order.languages.map(tag => languageName(tag, language)),
      ),
    ],
    [t('order.organization'), order.organization],
    [t('order.name'), order.name],
    [t('field.email'), order.email],
    [t('order.phone'), order.phone],
    [t('order.remarks'), order.remarks],
    [t('order.askedAt'), moment.format(new Date(order.askedAt))],
    [t('order.acceptedAt'), moment.format(new Date(order.acceptedAt))],
    [t('order.number'), order.id],
  ];
  return (
    <dl className={styles['lines']}>
      {lines.map(
        ([name, value]) =>
          value !== undefined &&
          value !== '' && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}
