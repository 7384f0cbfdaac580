/** What comes from servers and browsers is read with care. */
import { expect, test } from 'vitest';
import { layersOf } from '../src/layers';
import { columnsOf, hopName, pathOf } from '../src/path';
import { nameOf, optionsOf, wantedOf } from '../src/quality';
import { type Stat, figuresOf } from '../src/rates';
import { fragment, withStereo } from '../src/sdp';
import { isAbsent, isFinal, planOf } from '../src/source';
import { Problem } from '../src/problem';
import { Units } from '../src/describe';
import { textsOf } from '../src/texts';

const t = textsOf('en');
const any = { stream: '', language: '' };

test('a join becomes a plan of full addresses', () => {
  const body = {
    session: 's-1',
    token: 'tok',
    streams: [
      { id: 'floor', language: 'en' },
      { id: 'fr', language: 'fr' },
    ],
    edges: [
      { node: 'e1', region: 'yul', whep: 'https://e1/whep' },
      { node: 'e2', region: 'par', whep: 'https://e2/whep/' },
    ],
  };
  expect(planOf(body, any).edges.map(e => e.whep)).toEqual([
    'https://e1/whep/floor',
    'https://e2/whep/floor',
  ]);
  expect(planOf(body, { stream: 'fr', language: 'en' }).edges[0]?.whep).toBe('https://e1/whep/fr');
  expect(planOf(body, { stream: 'nope', language: '' }).edges[0]?.whep).toBe('https://e1/whep/floor');
  expect(planOf(body, { stream: '', language: 'fr-CA' }).edges[0]?.whep).toBe('https://e1/whep/fr');
  expect(planOf(body, { stream: '', language: 'de' }).edges[0]?.whep).toBe('https://e1/whep/floor');
  expect(planOf({ ...body, edges: [{ whep: 'javascript:1' }, 7, null] }, any).edges).toEqual([]);
  for (const bad of [null, 7, 'x', [], {}]) expect(() => planOf(bad, any)).toThrow(Problem);
});

test.each([
  [404, false, false, true],
  [409, false, false, true],
  [403, false, true, false],
  [406, false, true, false],
  [503, false, false, false],
  [0, false, false, false],
  [404, true, true, true],
  [429, true, false, false],
  [503, true, false, false],
])('status %i, asked at join: %s, is final: %s, absent: %s', (status, atJoin, final, absent) => {
  const problem = new Problem('x', status, '');
  expect([isFinal(problem, atJoin), isAbsent(problem)]).toEqual([final, absent]);
});

test('layers are told best first, whatever the edge sends beside them', () => {
  const offer = layersOf({
    active: 'm',
    layers: [{ rid: 'l' }, { rid: 'm', width: 640, height: 360 }, { rid: 'h', height: 720 }],
  });
  expect(offer?.layers.map(l => l.rid)).toEqual(['h', 'm', 'l']);
  expect(offer?.active).toBe('m');
  expect(layersOf({ active: null, layers: [3, null, { rid: 4, height: -1 }] })).toEqual({
    active: null,
    layers: [
      { rid: '', width: 0, height: 0 },
      { rid: '', width: 0, height: 0 },
      { rid: '', width: 0, height: 0 },
    ],
  });
  for (const bad of [null, 1, {}, { layers: 'x' }]) expect(layersOf(bad)).toBeUndefined();
});

test('the choice of quality', () => {
  const offer = layersOf({
    active: 'h',
    layers: [
      { rid: 'l', height: 180 },
      { rid: 'h', height: 720 },
    ],
  });
  expect(optionsOf(offer, 720, t)).toEqual([
    ['auto', 'Auto (720p)'],
    ['rid:h', '720p'],
    ['rid:l', '180p'],
    ['audio', 'Sound only'],
  ]);
  expect(optionsOf(undefined, 0, t)).toEqual([['auto', 'Auto']]);
  expect(['auto', 'rid:h', 'audio'].map(wantedOf)).toEqual([null, { rid: 'h' }, 'audio']);
  const twins = [
    { rid: 'a', width: 0, height: 720 },
    { rid: 'b', width: 0, height: 720 },
  ];
  expect(twins.map(layer => nameOf(layer, twins))).toEqual(['720p, a', '720p, b']);
});

test('figures come from the growth between two looks', () => {
  const at = (timestamp: number, n: number): ReadonlyMap<string, Stat> =>
    new Map<string, Stat>([
      [
        'v',
        {
          id: 'v',
          type: 'inbound-rtp',
          kind: 'video',
          timestamp,
          codecId: 'c',
          bytesReceived: 250_000 * n,
          framesDecoded: 30 * n,
          packetsReceived: 99 * n,
          packetsLost: n,
          frameWidth: 1280,
          frameHeight: 720,
          jitter: 0.004,
          jitterBufferDelay: 3 * n,
          jitterBufferEmittedCount: 30 * n,
        },
      ],
      ['c', { id: 'c', type: 'codec', timestamp, mimeType: 'video/H264' }],
      ['t', { id: 't', type: 'transport', timestamp, selectedCandidatePairId: 'p' }],
      ['p', { id: 'p', type: 'candidate-pair', timestamp, currentRoundTripTime: 0.02 }],
    ]);
  const figures = figuresOf(at(2000, 2), at(1000, 1), 0);
  expect(figures).toEqual({
    video: { codec: 'H.264', width: 1280, height: 720, fps: 30, bitrateBPS: 2_000_000 },
    loss: 0.01,
    jitterMS: 4,
    roundTripMS: 20,
    bufferMS: 100,
    framesDecoded: 60,
  });
  expect(figuresOf(new Map(), undefined, 0)).toEqual({});
});

test('delay is told only where the clocks can be believed', () => {
  const look = (playing: number) =>
    new Map<string, Stat>([
      [
        'v',
        {
          id: 'v',
          type: 'inbound-rtp',
          kind: 'video',
          timestamp: 0,
          framesDecoded: 1,
          estimatedPlayoutTimestamp: playing,
        },
      ],
    ]);
  const ntp = 2_208_988_800_000;
  expect(figuresOf(look(ntp + 1000), undefined, 1180).delayMS).toBe(180);
  expect(figuresOf(look(ntp + 1000), undefined, 500).delayMS).toBeUndefined();
  expect(figuresOf(look(ntp + 1000), undefined, 100_000).delayMS).toBeUndefined();
});

test('stereo is asked for once, of Opus alone', () => {
  const sdp = 'a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=fmtp:96 apt=97\r\n';
  const wanted = sdp.replace('useinbandfec=1', 'useinbandfec=1;stereo=1;sprop-stereo=1');
  expect(withStereo(sdp)).toBe(wanted);
  expect(withStereo(wanted)).toBe(wanted);
});

test('a trickle fragment names its credentials and its m-line', () => {
  const local =
    'v=0\r\na=group:BUNDLE 0 1\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=mid:0\r\n';
  const candidate = { candidate: 'candidate:1 1 udp 1 192.0.2.1 5000 typ host' } as RTCIceCandidate;
  expect(fragment(local, [candidate], true)).toBe(
    'a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\n' +
      'a=candidate:1 1 udp 1 192.0.2.1 5000 typ host\r\na=end-of-candidates\r\n',
  );
});

test('the way to the edge is read hop by hop', () => {
  const hops = pathOf({
    node: 'edge-2',
    hops: [
      { node: 'edge-1', upstream: 'origin-1', rtt_ms: 1.5, received: 9, rate_bps: 3_550_000, more: 1 },
      {
        node: 'edge-2',
        upstream: 'edge-1',
        rtt_ms: 1200,
        lost: 1021,
        repaired_below: 1020,
        room_bps: 4e6,
        shed: 1,
      },
    ],
  });
  expect(hops?.map(hopName)).toEqual(['origin-1 → edge-1', 'edge-1 → edge-2']);
  const said = hops?.map(hop => columnsOf(t, new Units('en')).map(([, value]) => value(hop)));
  expect(said?.map(row => row.join(' | ').replaceAll('\u00a0', ' '))).toEqual([
    '2 ms | 3.6 Mbit/s | – | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0',
    '1.2 s | 0 kbit/s | 4.0 Mbit/s | 1,021 | 1,020 | 0 | 0 | 0 | 0 | 1 | 0',
  ]);
});

test('what is no way to the edge is not shown as one', () => {
  for (const bad of [null, 7, 'x', [], {}, { hops: 1 }, { hops: Array.from({ length: 65 }, () => ({})) }])
    expect(pathOf(bad)).toBeUndefined();
  const [hop] =
    pathOf({ hops: [{ node: 'x'.repeat(1000), upstream: 1, rtt_ms: -1, lost: 'many', late: Infinity }] }) ??
    [];
  expect(hop).toMatchObject({ upstream: '', roundTripMS: 0, lost: 0, late: 0 });
  expect(hop?.node.length).toBe(256);
  expect(pathOf({ hops: [null, 7] })?.map(hopName)).toEqual([' → ', ' → ']);
});
