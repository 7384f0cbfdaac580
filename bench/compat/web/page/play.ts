import { WebRTCPlayer } from "@eyevinn/webrtc-player";
import { WHEPClient } from "whip-whep/whep.js";

export type PlayerName = "whip-whep" | "@eyevinn/webrtc-player";

export interface Playing {
  stop: () => Promise<void>;
}

/** Plays url in video, by the client of that name. */
export async function play(name: PlayerName, url: string, video: HTMLVideoElement): Promise<Playing> {
  if (name === "whip-whep") {
    const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    pc.addTransceiver("audio", { direction: "recvonly" });
    pc.addTransceiver("video", { direction: "recvonly" });
    pc.ontrack = (e) => {
      const stream = e.streams[0];
      if (stream) video.srcObject = stream;
    };
    const client = new WHEPClient();
    await client.view(pc, url);
    return { stop: () => client.stop() };
  }
  const player = new WebRTCPlayer({ video, type: "whep", iceServers: [] });
  await player.load(new URL(url));
  return { stop: async () => void (await player.unload()) };
}
