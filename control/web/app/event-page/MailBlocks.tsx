import { useForm } from 'react-hook-form';
import { asApiProblem } from '../shell/problem';
import { useWords } from '../shell/words';
import { Button } from '../ui/Button';
import { Checks } from '../ui/Checks';
import { Form } from '../ui/Form';
import { type EventDetails, useEvent } from './event';
import { named, useFields } from './fields';
import styles from './event-page.module.css';

type Block = EventDetails['mailHidden'][number];
const blocks: readonly Block[] = ['logo', 'number', 'calendar', 'agenda', 'lobby', 'signature'];

interface Values {
  shown: Block[];
}

function valuesOf(hidden: readonly Block[]): Values {
  return { shown: blocks.filter(block => !hidden.includes(block)) };
}

/** What the mails about the event show, beside what they are about. */
export function MailBlocks() {
  const { t } = useWords();
  const { mailHidden } = useEvent();
  const save = useFields();
  const form = useForm<Values>({ values: valuesOf(mailHidden), resetOptions: { keepDirtyValues: true } });
  const problem = save.isError ? asApiProblem(save.error) : undefined;
  return (
    <section className={styles['section']} aria-labelledby="mails">
      <div>
        <h2 id="mails">{t('event.mails.title')}</h2>
        <p className="muted">{t('event.mails.lead')}</p>
      </div>
      <div className={styles['column']}>
        <Form
          form={form}
          error={problem && named(problem, { mailHidden: 'shown' })}
          onSubmit={({ shown }) => {
            save.mutate(
              { mailHidden: blocks.filter(block => !shown.includes(block)) },
              {
                onSuccess: saved => {
                  form.reset(valuesOf(saved.mailHidden), { keepDirtyValues: false });
                },
              },
            );
          }}
          fields={{ shown: { label: t('event.mails.show'), wrong: t('field.choose') } }}
        >
          <Checks
            control={form.control}
            name="shown"
            label={t('event.mails.show')}
            hint={t('event.mails.hint')}
            choices={blocks.map(block => ({ value: block, name: t(`event.mails.${block}`) }))}
          />
          <div className={styles['acts']}>
            <Button type="submit" writes busy={save.isPending}>
              {t('event.mails.save')}
            </Button>
            <span role="status">{save.isSuccess && !form.formState.isDirty ? t('saved') : ''}</span>
          </div>
        </Form>
      </div>
    </section>
  );
}
