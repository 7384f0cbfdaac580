import { useMutation } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { client } from '../shell/api';
import { asApiProblem } from '../shell/problem';
import { type Key, useT } from '../shell/words';
import { Button } from '../ui/Button';
import { AskFirst } from '../ui/Dialog';
import { ProblemPanel } from '../ui/Problem';
import { AskStart } from './AskStart';
import { type KnownEvent, type Step, knownOf, mainStep, useEvent, useKeep } from './event';
import styles from './event-page.module.css';

/** What ends something asks in a dialog; the start asks in place. */
type Asked = Extract<Step, 'end' | 'cancel'>;

const asks: Record<Asked, { title: Key; text: Key; act: Key; leave: Key }> = {
  end: { title: 'event.end.ask', text: 'event.end.text', act: 'event.end.all', leave: 'event.end.open' },
  cancel: {
    title: 'event.cancel.ask',
    text: 'event.cancel.text',
    act: 'event.step.cancel',
    leave: 'cancel',
  },
};

function isAsked(step: Step): step is Asked {
  return step in asks;
}

async function take(id: string, step: Step): Promise<KnownEvent> {
  const path = { params: { path: { id } } };
  const calls = {
    prepare: () => client.POST('/api/v1/events/{id}/prepare', path),
    schedule: () => client.POST('/api/v1/events/{id}/schedule', path),
    start: () => client.POST('/api/v1/events/{id}/start', path),
    end: () => client.POST('/api/v1/events/{id}/end', path),
    archive: () => client.POST('/api/v1/events/{id}/archive', path),
    cancel: () => client.POST('/api/v1/events/{id}/cancel', path),
  };
  const { data, response } = await calls[step]();
  return knownOf(data, response);
}

/** What the event's state and the role lead to now. What viewers notice is asked about first. */
export function Steps() {
  const t = useT();
  const event = useEvent();
  const keep = useKeep();
  const [asked, setAsked] = useState<Asked>('end');
  const [open, setOpen] = useState(false);
  const [starts, setStarts] = useState(false);
  const start = useRef<HTMLButtonElement>(null);
  const step = useMutation({
    mutationFn: (chosen: Step) => take(event.id, chosen),
    onSuccess: async (now, chosen) => {
      await keep(now);
      setOpen(false);
      setStarts(false);
      // Where the button is gone that had the focus, its page has it.
      if (!now.steps.includes(chosen)) document.getElementById('main')?.focus({ preventScroll: true });
    },
  });
  const { title, text, act, leave } = asks[asked];
  const asksStart = starts && event.steps.includes('start');
  const main = mainStep(event.state, event.steps);
  const name = (chosen: Step) =>
    chosen === 'start' && event.state === 'ended' ? t('event.step.resume') : t(`event.step.${chosen}`);
  const problem = step.isError ? asApiProblem(step.error) : undefined;
  if (event.steps.length === 0 && !problem) return null;
  return (
    <>
      {problem && !open && <ProblemPanel problem={problem} />}
      <div className={styles['acts']}>
        {[...event.steps]
          .sort((a, b) => Number(b === main) - Number(a === main))
          .map(chosen => (
            <Button
              key={chosen}
              look={chosen === main && !asksStart ? 'main' : chosen === 'cancel' ? 'danger' : 'plain'}
              writes
              busy={step.isPending && step.variables === chosen}
              {...(chosen === 'start' ? { ref: start, 'aria-expanded': asksStart } : {})}
              onPress={() => {
                step.reset();
                if (chosen === 'start') setStarts(!starts);
                else if (isAsked(chosen)) {
                  setAsked(chosen);
                  setOpen(true);
                } else step.mutate(chosen);
              }}
            >
              {name(chosen)}
            </Button>
          ))}
      </div>
      {asksStart && (
        <AskStart
          busy={step.isPending && step.variables === 'start'}
          onStart={() => {
            step.mutate('start');
          }}
          onLeave={() => {
            setStarts(false);
            step.reset();
            start.current?.focus();
          }}
        />
      )}
      <AskFirst
        open={open}
        close={() => {
          setOpen(false);
          step.reset();
        }}
        title={t(title, { title: event.title })}
        text={t(text)}
        act={t(act)}
        leave={t(leave)}
        busy={step.isPending}
        problem={problem}
        onAct={() => {
          step.mutate(asked);
        }}
      />
    </>
  );
}
