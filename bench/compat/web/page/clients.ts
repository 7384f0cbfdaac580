import { play, type PlayerName, type Playing } from "./play.js";
import { publish, type PublisherName, type Publishing } from "./publish.js";

/** What a video element shows and plays at one moment. */
export interface Seen {
  frames: number;
  width: number;
  height: number;
  picture: string;
  level: number;
}

const video = document.querySelector<HTMLVideoElement>("#video")!;
let publishing: Publishing | undefined;
let playing: Playing | undefined;
let ear: { analyser: AnalyserNode; stream: MediaStream } | undefined;

/** What the tests call by page.evaluate. */
const compat = {
  async publish(name: PublisherName, url: string, key: string, codec: string): Promise<void> {
    publishing = await publish(name, url, key, codec);
  },

  /** State of the publishing connection, and the codec that it really sends. */
  async sending(): Promise<{ state: string; codec: string; frames: number }> {
    if (!publishing) return { state: "none", codec: "", frames: 0 };
    const all = [...(await publishing.pc.getStats()).values()];
    const out = all.find((s) => s.type === "outbound-rtp" && s.kind === "video");
    const codec = all.find((s) => s.id === out?.codecId);
    return { state: publishing.pc.connectionState, codec: codec?.mimeType ?? "", frames: out?.framesEncoded ?? 0 };
  },

  /** Restarts ICE, and says whether the pair in use has another user name fragment of the server's than before. */
  async restart(): Promise<{ before: string; after: string }> {
    if (!publishing?.restart) throw new Error("this client has no restart");
    const ufrag = () => publishing!.pc.remoteDescription?.sdp.match(/a=ice-ufrag:(\S+)/)?.[1] ?? "";
    const before = ufrag();
    await publishing.restart();
    return { before, after: ufrag() };
  },

  async play(name: PlayerName, url: string): Promise<void> {
    playing = await play(name, url, video);
  },

  seen(): Seen {
    return {
      frames: video.getVideoPlaybackQuality().totalVideoFrames,
      width: video.videoWidth,
      height: video.videoHeight,
      picture: picture(),
      level: level(),
    };
  },

  async stop(): Promise<void> {
    const parts = [publishing, playing];
    publishing = playing = undefined;
    for (const p of parts) await p?.stop();
  },
};

/** A thumbnail of the picture, as text: the same picture gives the same text. */
function picture(): string {
  if (!video.videoWidth) return "";
  const canvas = document.createElement("canvas");
  canvas.width = 64;
  canvas.height = 48;
  canvas.getContext("2d")!.drawImage(video, 0, 0, 64, 48);
  return canvas.toDataURL();
}

/** The loudest sample of the last moment, 0 to 1. */
function level(): number {
  const stream = video.srcObject as MediaStream | null;
  if (!stream?.getAudioTracks().length) return 0;
  if (ear?.stream !== stream) {
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 32768; // 0.7 s: the fake microphone beeps each half second
    context.createMediaStreamSource(stream).connect(analyser);
    ear = { analyser, stream };
  }
  const samples = new Float32Array(ear.analyser.fftSize);
  ear.analyser.getFloatTimeDomainData(samples);
  return samples.reduce((loudest, s) => Math.max(loudest, Math.abs(s)), 0);
}

declare global {
  interface Window {
    compat: typeof compat;
  }
}
window.compat = compat;
