/** The picture and its sound: one video element whose tracks change when the viewer moves between edges. */

export interface ScreenEvents {
  /** The first frame of the tracks shown last is painted. */
  picture(): void;
  /** The browser allows no sound before the page is pressed; the video goes on without. */
  silenced(): void;
  /** The browser allows nothing at all before the page is pressed. */
  held(): void;
}

/** What an iPhone has in place of full screen for any element. */
interface PhoneVideo extends HTMLVideoElement {
  webkitSupportsFullscreen?: boolean;
  webkitEnterFullscreen?: () => void;
}

export class Screen {
  readonly video: PhoneVideo;
  readonly #stream = new MediaStream();
  #showing = 0;

  constructor(
    video: HTMLVideoElement,
    private readonly events: ScreenEvents,
  ) {
    this.video = video;
    video.playsInline = true;
    video.disablePictureInPicture = false;
  }

  /** Plays tracks in place of what plays now. The last picture stands until the new one is there. */
  show(tracks: readonly MediaStreamTrack[]): void {
    const old = this.#stream.getTracks();
    for (const track of tracks) this.#stream.addTrack(track);
    for (const track of old) this.#stream.removeTrack(track);
    if (this.video.srcObject !== this.#stream) this.video.srcObject = this.#stream;
    const showing = ++this.#showing;
    this.#onFrame(() => {
      if (showing === this.#showing) this.events.picture();
    });
    void this.play();
  }

  /** Starts the element. Where sound is refused it starts muted and says so. */
  async play(): Promise<void> {
    try {
      await this.video.play();
    } catch (thrown) {
      if (!(thrown instanceof DOMException) || thrown.name !== 'NotAllowedError') return;
      if (this.video.muted) {
        this.events.held();
        return;
      }
      this.video.muted = true;
      this.events.silenced();
      await this.play();
    }
  }

  /** Keeps the last picture until other tracks are shown. */
  hold(): void {
    this.#showing++;
    this.video.pause();
  }

  /** Whether the video alone can fill the screen, with the controls of the system: known once there is a picture. */
  get fills(): boolean {
    return this.video.webkitSupportsFullscreen === true;
  }

  /** Fills the screen with the video alone. Called by a press, as browsers ask. */
  fill(): void {
    if (this.fills) this.video.webkitEnterFullscreen?.();
  }

  /** A stream of sound alone never paints: there, data is enough. */
  #onFrame(then: () => void): void {
    const over = new AbortController();
    const once = () => {
      if (over.signal.aborted) return;
      over.abort();
      then();
    };
    if ('requestVideoFrameCallback' in this.video)
      this.video.requestVideoFrameCallback(() => {
        once();
      });
    const silentPicture = () => {
      if (this.video.videoWidth === 0) once();
    };
    this.video.addEventListener('playing', silentPicture, { signal: over.signal });
  }
}
