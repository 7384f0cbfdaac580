/** Why a session is where it is, as text to send to somebody. */
import { type SessionWhy } from '../shell/api';
import { type T } from '../shell/words';
import { type Figures } from './figures';

const uuid = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/;

/** The id in what was pasted, which may be a line of a log. */
export function sessionOf(pasted: string): string | undefined {
  return uuid.exec(pasted.toLowerCase())?.[0];
}

type Candidate = SessionWhy['candidates'][number];
type Path = SessionWhy['paths'][number];

export function candidateText(
  { km, rttMs, load, path, busy, health, score, verdict }: Candidate,
  t: T,
  f: Figures,
) {
  return {
    distance: km === undefined ? '–' : t('ops.why.km', { n: f.number(km) }),
    rtt: rttMs === undefined ? '–' : t('ops.hop.rtt', { n: f.short(rttMs) }),
    load: f.share(load),
    score: t('ops.why.score', {
      sum: f.number(score),
      path: f.number(path),
      busy: f.number(busy),
      health: f.number(health),
    }),
    verdict: verdict === undefined ? '' : t(`ops.why.${verdict}`),
  };
}

/** The steps of a path, one behind the other. */
export function pathText({ steps, whole }: Path, t: T, f: Figures): string {
  const names = steps.map(({ node, rttMs, lossPercent, live }, i) => {
    const facts = [
      i > 0 && rttMs !== undefined && t('ops.hop.rtt', { n: f.short(rttMs) }),
      lossPercent !== undefined && t('ops.link.loss', { n: f.short(lossPercent) }),
      !live && t('ops.hop.silent'),
    ].filter(fact => fact !== false);
    return facts.length > 0 ? `${node} (${facts.join(', ')})` : node;
  });
  return (whole ? names : ['…', ...names]).join(' → ');
}

export function reportOf(session: string, why: SessionWhy, t: T, f: Figures): string {
  return [
    `${t('ops.why.session')} ${session}`,
    why.at,
    `${t('ops.why.choice')}: ${why.choice ?? t('ops.why.none')}`,
    ...why.candidates.map(candidate => {
      const { distance, rtt, load, score, verdict } = candidateText(candidate, t, f);
      return [candidate.node, candidate.region ?? '–', distance, rtt, load, score, verdict].join('\t');
    }),
    ...why.failed.map(({ node, at }) => `${t('ops.why.fault', { node })} ${at}`),
    ...why.paths.map(path => `${path.stream}: ${pathText(path, t, f)}`),
  ].join('\n');
}
