/** A tone to hear: one second of A above middle C, softly in and out. */
const lastsS = 1;
const softS = 0.05;
const loudness = 0.3;

/** Plays the tone. Called by a press, as browsers ask. Resolves when it is over; rejects where nothing can play. */
export async function playTone(): Promise<void> {
  const context = new AudioContext();
  try {
    await context.resume();
    const tone = new OscillatorNode(context, { frequency: 440 });
    const volume = new GainNode(context, { gain: 0 });
    const from = context.currentTime;
    volume.gain.linearRampToValueAtTime(loudness, from + softS);
    volume.gain.setValueAtTime(loudness, from + lastsS - softS);
    volume.gain.linearRampToValueAtTime(0, from + lastsS);
    tone.connect(volume).connect(context.destination);
    const over = new Promise(resolve => {
      tone.addEventListener('ended', resolve);
    });
    tone.start();
    tone.stop(from + lastsS);
    await over;
  } finally {
    void context.close();
  }
}
