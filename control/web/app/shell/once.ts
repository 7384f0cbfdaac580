/** Requests that are done once, however often they are sent: an Idempotency-Key names each. */
import { useState } from 'react';

export interface Once {
  /** The header of a request: the same one again while what is asked stays the same. */
  header: (request?: unknown) => { 'Idempotency-Key': string };
  /** It was done; the next one is another, though it asks the same. */
  done: () => void;
}

/** Exported for its test; components have useOnce. */
export function makeOnce(): Once {
  let last = '';
  let key = '';
  return {
    header: request => {
      const text = JSON.stringify(request ?? null);
      if (text !== last || key === '') {
        last = text;
        key = Array.from(crypto.getRandomValues(new Uint8Array(16)), byte =>
          byte.toString(16).padStart(2, '0'),
        ).join('');
      }
      return { 'Idempotency-Key': key };
    },
    done: () => {
      key = '';
    },
  };
}

/** Names the requests of a component. */
export function useOnce(): Once {
  const [once] = useState(makeOnce);
  return once;
}
