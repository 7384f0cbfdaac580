import { LookEditor } from '../look/LookEditor';
import { useT } from '../shell/words';
import { useEvent } from './event';
import styles from './event-page.module.css';

/** What of the account's look is another in this event. */
export function Look() {
  const t = useT();
  const { id } = useEvent();
  return (
    <section className={styles['section']} aria-labelledby="look">
      <div>
        <h2 id="look">{t('look.event')}</h2>
        <p className="muted">{t('look.event.lead')}</p>
      </div>
      <LookEditor subject={id} level="h3" />
    </section>
  );
}
