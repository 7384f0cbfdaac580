import { useWords } from '../shell/words';
import { Checks } from '../ui/Checks';
import { FieldsForm } from './FieldsForm';
import { type EventDetails } from './event';
import styles from './event-page.module.css';

type Block = EventDetails['mailHidden'][number];
const blocks: readonly Block[] = ['logo', 'number', 'calendar', 'agenda', 'lobby', 'signature'];

/** The blocks that are not among some. */
function others(some: readonly Block[]): Block[] {
  return blocks.filter(block => !some.includes(block));
}

function valuesOf({ mailHidden }: EventDetails): { shown: Block[] } {
  return { shown: others(mailHidden) };
}

/** What the mails about the event show, beside what they are about. */
export function MailBlocks() {
  const { t } = useWords();
  return (
    <section className={styles['section']} aria-labelledby="mails">
      <div>
        <h2 id="mails">{t('event.mails.title')}</h2>
        <p className="muted">{t('event.mails.lead')}</p>
      </div>
      <FieldsForm
        valuesOf={valuesOf}
        fieldsOf={({ shown }) => ({ mailHidden: others(shown) })}
        act={t('event.mails.save')}
        places={{ mailHidden: 'shown' }}
        names={() => ({ shown: { label: t('event.mails.show'), wrong: t('field.choose') } })}
      >
        {control => (
          <Checks
            control={control}
            name="shown"
            label={t('event.mails.show')}
            hint={t('event.mails.hint')}
            choices={blocks.map(block => ({ value: block, name: t(`event.mails.${block}`) }))}
          />
        )}
      </FieldsForm>
    </section>
  );
}
