/** Longest that text waits for its own fonts when no picture comes. */
const fontsAfterMS = 2500;

/** Loads the fonts after the first frame of player; without one, or without a picture, a little later. */
export function fontsAfterPicture(player?: HTMLElement): void {
  let load = () => {
    load = () => undefined;
    void import('./fonts.css');
  };
  if (!player) {
    load();
    return;
  }
  player.addEventListener(
    'freshet-picture',
    () => {
      load();
    },
    { once: true },
  );
  setTimeout(() => {
    load();
  }, fontsAfterMS);
}
