import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import { CopyPlus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { client } from '../shell/api';
import { may } from '../shell/guard';
import { useMe } from '../shell/me';
import { useOnce } from '../shell/once';
import { asApiProblem } from '../shell/problem';
import { localeOf } from '../shell/when';
import { useWords } from '../shell/words';
import { Button } from '../ui/Button';
import { AskToType } from '../ui/AskToType';
import { ProblemPanel } from '../ui/Problem';
import { Embedding } from './Embedding';
import { Present } from './Present';
import { Steps } from './Steps';
import { Streams } from './Streams';
import { eventQuery, forgetLists, knownOf, languageName, mayIn, useEvent } from './event';
import styles from './event-page.module.css';

/** "/events/{id}": where the event stands, what can be done with it, and its streams. */
export function Overview() {
  const { t } = useWords();
  const event = useEvent();
  return (
    <>
      <section className={styles['section']}>
        <p>{t(`event.is.${event.state}`)}</p>
        <Steps />
        <Facts />
      </section>
      <Streams />
      <Present />
      <Embedding />
      <Whole />
    </>
  );
}

function Facts() {
  const { t, language } = useWords();
  const event = useEvent();
  const format = new Intl.DateTimeFormat(localeOf(language), {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZone: event.timeZone,
    timeZoneName: 'short',
  });
  const write = (moment: string) => format.format(new Date(moment));
  const facts = [
    [t('event.field.starts'), write(event.startsAt)],
    [t('event.field.ends'), event.endsAt === null ? t('event.ends.none') : write(event.endsAt)],
    [t('event.field.access'), t(`access.${event.access}`)],
    [
      t('event.field.languages'),
      event.languages.length === 0
        ? t('event.language.none')
        : new Intl.ListFormat(language, { type: 'unit' }).format(
            event.languages.map(tag => languageName(tag, language)),
          ),
    ],
  ] as const;
  return (
    <dl className={styles['list']}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** What is done with the event as a whole: a copy of it, and the end of it. */
function Whole() {
  const { t } = useWords();
  const me = useMe();
  const event = useEvent();
  const queries = useQueryClient();
  const router = useRouter();
  const [asks, setAsks] = useState(false);
  const clones = may(me, 'create-events');
  const deletes = event.deletable && mayIn(event, 'edit-event');
  const path = { params: { path: { id: event.id } } };
  const once = useOnce();

  const clone = useMutation({
    mutationFn: async () => {
      const { data, response } = await client.POST('/api/v1/events/{id}/clone', {
        params: { ...path.params, header: once.header() },
      });
      return knownOf(data, response);
    },
    onSuccess: async copy => {
      once.done();
      queries.setQueryData(eventQuery(copy.id).queryKey, copy);
      await forgetLists(queries);
      await router.navigate({ to: '/events/$id', params: { id: copy.id } });
    },
  });
  const remove = useMutation({
    mutationFn: () => client.DELETE('/api/v1/events/{id}', path),
    onSuccess: async () => {
      await router.navigate({ href: '/calendar' });
      queries.removeQueries({ queryKey: eventQuery(event.id).queryKey });
      await forgetLists(queries);
    },
  });

  if (!clones && !deletes) return null;
  return (
    <section className={styles['section']} aria-label={t('event.whole')}>
      {clone.isError && <ProblemPanel problem={asApiProblem(clone.error)} />}
      <div className={styles['acts']}>
        {clones && (
          <Button
            writes
            busy={clone.isPending}
            onPress={() => {
              clone.mutate();
            }}
          >
            <CopyPlus size={20} aria-hidden />
            {t('event.clone')}
          </Button>
        )}
        {deletes && (
          <Button
            look="danger"
            writes
            onPress={() => {
              setAsks(true);
            }}
          >
            <Trash2 size={20} aria-hidden />
            {t('event.delete')}
          </Button>
        )}
      </div>
      {clones && <p className="small muted">{t('event.clone.text')}</p>}
      <AskToType
        open={asks}
        close={() => {
          setAsks(false);
          remove.reset();
        }}
        title={t('event.delete.ask', { title: event.title })}
        text={t('event.delete.text')}
        label={t('event.delete.type')}
        wanted={event.title}
        act={t('event.delete.act')}
        busy={remove.isPending}
        problem={remove.isError ? asApiProblem(remove.error) : undefined}
        onAct={() => {
          remove.mutate();
        }}
      />
    </section>
  );
}
