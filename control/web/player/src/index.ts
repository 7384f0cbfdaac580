import { FreshetPlayer } from './element';

export { FreshetPlayer };
export type { EntryDetail, StateDetail } from './element';
export type { Figures } from './rates';
export type { Layer, Layers } from './layers';
export type { State } from './machine';

declare global {
  interface HTMLElementTagNameMap {
    'freshet-player': FreshetPlayer;
  }
}

// Two copies of the script on one page share the first definition.
if (!customElements.get('freshet-player')) customElements.define('freshet-player', FreshetPlayer);
