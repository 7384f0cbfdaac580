import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { client } from '../shell/api';
import { asApiProblem } from '../shell/problem';
import { type Key, useT } from '../shell/words';
import { Button } from '../ui/Button';
import { AskFirst } from '../ui/Dialog';
import { ProblemPanel } from '../ui/Problem';
import { type KnownEvent, type Step, knownOf, mainStep, useEvent, useKeep } from './event';
import styles from './event-page.module.css';

type Asked = Extract<Step, 'start' | 'end' | 'cancel'>;

const asks: Record<Asked, { title: Key; text: Key; act: Key }> = {
  start: { title: 'event.start.ask', text: 'event.start.text', act: 'event.step.start' },
  end: { title: 'event.end.ask', text: 'event.end.text', act: 'event.step.end' },
  cancel: { title: 'event.cancel.ask', text: 'event.cancel.text', act: 'event.step.cancel' },
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
  const [asked, setAsked] = useState<Asked>('start');
  const [open, setOpen] = useState(false);
  const step = useMutation({
    mutationFn: (chosen: Step) => take(event.id, chosen),
    onSuccess: async (now, chosen) => {
      await keep(now);
      setOpen(false);
      // Where the button is gone that had the focus, its page has it.
      if (!now.steps.includes(chosen)) document.getElementById('main')?.focus({ preventScroll: true });
    },
  });
  const { title, text, act } = asks[asked];
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
              look={chosen === main ? 'main' : chosen === 'cancel' ? 'danger' : 'plain'}
              writes
              busy={step.isPending && step.variables === chosen}
              onPress={() => {
                step.reset();
                if (isAsked(chosen)) {
                  setAsked(chosen);
                  setOpen(true);
                } else step.mutate(chosen);
              }}
            >
              {name(chosen)}
            </Button>
          ))}
      </div>
      <AskFirst
        open={open}
        close={() => {
          setOpen(false);
          step.reset();
        }}
        title={t(title, { title: event.title })}
        text={t(text)}
        act={t(act)}
        look={asked === 'start' ? 'main' : 'danger'}
        busy={step.isPending}
        problem={problem}
        onAct={() => {
          step.mutate(asked);
        }}
      />
    </>
  );
}
