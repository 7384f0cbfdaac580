/** Longest that text waits for its own fonts when no picture comes. */
const fontsAfterMS = 2500;

/** Loads the fonts after the first frame of player; without one, or without a picture, a little later. */
export function fontsAfterPicture(player?: HTMLElement): void {
  let load = () => {
    load = () => undefined;
    // Without them (a newer build took their place) the page is read in the system's own.
    import('./fonts.css').catch(() => undefined);
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
