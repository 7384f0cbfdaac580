/** The nine digits of an event. Pure. */

export type Reading = { is: 'number'; number: string } | { is: 'digits'; n: number } | { is: 'letters' };

/** Reads what was typed or pasted: spaces of any kind, dashes, points and brackets between the digits are fine. */
export function readNumber(typed: string): Reading {
  const bare = typed.normalize('NFKC').replace(/[\s\p{Pd}\p{Cf}.,/()#]/gu, '');
  if (!/^\d*$/.test(bare)) return { is: 'letters' };
  return bare.length === 9 ? { is: 'number', number: bare } : { is: 'digits', n: bare.length };
}

/** What was typed, with a space after three and six digits; as it is where it is no number in the making. */
export function inThrees(typed: string): string {
  const reading = readNumber(typed);
  if (reading.is === 'letters') return typed;
  const digits = typed.normalize('NFKC').replace(/\D/g, '');
  return digits.length > 9 ? typed : digits.replace(/(\d{3})(?=\d)/g, '$1 ');
}
