import { WHIPClient as EyevinnWHIP } from "@eyevinn/whip-web-client";
import { WHIPClient } from "whip-whep/whip.js";

export type PublisherName = "whip-whep" | "@eyevinn/whip-web-client";

export interface Publishing {
  pc: RTCPeerConnection;
  /** Restarts ICE; absent where the client cannot. */
  restart?: () => Promise<void>;
  stop: () => Promise<void>;
}

/** Opens a session from camera and microphone; codec is a MIME type such as video/VP8. */
export async function publish(name: PublisherName, url: string, key: string, codec: string): Promise<Publishing> {
  const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 480, frameRate: 30 } });
  const stopMedia = () => media.getTracks().forEach((t) => t.stop());
  if (name === "whip-whep") {
    const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    for (const track of media.getTracks()) {
      const t = pc.addTransceiver(track, { direction: "sendonly", streams: [media] });
      if (track.kind === "video") prefer(t, codec);
    }
    const client = new WHIPClient();
    await client.publish(pc, url, key);
    return {
      pc,
      restart: async () => await client.restart(),
      stop: async () => {
        stopMedia();
        await client.stop();
      },
    };
  }
  // This client adds its tracks by addTrack, so that its offer says sendrecv and carries each codec of the
  // browser. The factory puts the codec asked for in front and lets the test see the connection.
  let pc: RTCPeerConnection | undefined;
  const client = new EyevinnWHIP({
    endpoint: url,
    opts: { authkey: key, iceServers: [] },
    peerConnectionFactory: (configuration) => {
      pc = new RTCPeerConnection(configuration);
      const createOffer = pc.createOffer.bind(pc) as (options?: RTCOfferOptions) => Promise<RTCSessionDescriptionInit>;
      pc.createOffer = (async (options?: RTCOfferOptions) => {
        for (const t of pc!.getTransceivers()) if (t.sender.track?.kind === "video") prefer(t, codec);
        return createOffer(options);
      }) as RTCPeerConnection["createOffer"];
      return pc;
    },
  });
  await client.setIceServersFromEndpoint();
  await client.ingest(media);
  return { pc: pc!, stop: () => client.destroy() };
}

/** Offers codec before all others, which stay in the offer. */
function prefer(t: RTCRtpTransceiver, codec: string): void {
  const all = RTCRtpSender.getCapabilities("video")?.codecs ?? [];
  const wanted = all.filter((c) => c.mimeType === codec);
  if (wanted.length === 0) throw new Error(`this browser does not send ${codec}`);
  t.setCodecPreferences([...wanted, ...all.filter((c) => c.mimeType !== codec)]);
}
