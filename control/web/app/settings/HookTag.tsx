import { Ban, CircleCheck, CircleX, Clock, TriangleAlert } from 'lucide-react';
import { Fragment } from 'react';
import { type HookDelivery, type Webhook } from '../shell/api';
import { useT } from '../shell/words';
import styles from './settings.module.css';
import { hookState, hostOf } from './webhook';

const icon = { size: 14, 'aria-hidden': true } as const;
const marks = {
  on: { mark: <CircleCheck {...icon} />, look: 'here' },
  off: { mark: <Ban {...icon} />, look: 'dull' },
  failing: { mark: <TriangleAlert {...icon} />, look: 'warned' },
};
const deliveryMarks = {
  waiting: { mark: <Clock {...icon} />, look: '' },
  done: { mark: <CircleCheck {...icon} />, look: 'here' },
  failed: { mark: <CircleX {...icon} />, look: 'wrong' },
};

/** Whether a webhook is told, and whether that goes well. */
export function HookTag({ hook }: { hook: Webhook }) {
  const t = useT();
  const state = hookState(hook);
  const { mark, look } = marks[state];
  return (
    <span className={`${styles['tag'] ?? ''} ${styles[look] ?? ''}`}>
      {mark}
      {t(`hook.state.${state}`)}
    </span>
  );
}

/** What became of a delivery. */
export function DeliveryTag({ state }: { state: HookDelivery['state'] }) {
  const t = useT();
  const { mark, look } = deliveryMarks[state];
  return (
    <span className={`${styles['tag'] ?? ''} ${styles[look] ?? ''}`}>
      {mark}
      {t(`delivery.state.${state}`)}
    </span>
  );
}

/** The host of an address, whose lines break before its dots. */
export function Host({ url }: { url: string }) {
  return hostOf(url)
    .split('.')
    .map((part, n) => (
      <Fragment key={n}>
        {n > 0 && (
          <>
            <wbr />.
          </>
        )}
        {part}
      </Fragment>
    ));
}
