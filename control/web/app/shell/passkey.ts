/** Passkeys, as browsers have them (WebAuthn level 2): the API's words turned into theirs, and back. */
import { Problem } from '@freshet/player/problem';
import type { components } from './schema';

type Schemas = components['schemas'];
type Made = Omit<Schemas['PasskeyMade'], 'name'>;

/** Whether this browser has passkeys for this page: they are made for names, and over TLS or on this machine. */
export function passkeysHere(): boolean {
  return isSecureContext && 'PublicKeyCredential' in window && !atAddress(location.hostname);
}

/** Where this page has passkeys, though not here: on this machine under its name; empty where nowhere. */
export function passkeysAt(at: Location = location): string {
  const loopback = /^(127(\.\d+){3}|\[::1\])$/.test(at.hostname);
  return loopback ? `${at.protocol}//localhost:${at.port}${at.pathname}` : '';
}

function atAddress(host: string): boolean {
  return host.startsWith('[') || /^\d+(\.\d+){3}$/.test(host);
}

/** Has an authenticator make a passkey. Throws a Problem where it makes none. */
export async function makePasskey(wanted: Schemas['PasskeyWanted']): Promise<Made> {
  const made = await asked(() =>
    navigator.credentials.create({
      publicKey: {
        challenge: bytesOf(wanted.challenge),
        rp: { id: wanted.partyId, name: wanted.partyName },
        user: { id: bytesOf(wanted.userId), name: wanted.userName, displayName: wanted.userShown },
        pubKeyCredParams: wanted.algorithms.map(alg => ({ type: 'public-key', alg })),
        excludeCredentials: wanted.exclude.map(id => ({ type: 'public-key', id: bytesOf(id) })),
        authenticatorSelection: {
          residentKey: 'required',
          requireResidentKey: true,
          userVerification: 'required',
        },
        timeout: waitsMS,
      },
    }),
  );
  const response = made.response as AuthenticatorAttestationResponse;
  return {
    id: textOf(made.rawId),
    clientData: textOf(response.clientDataJSON),
    attestation: textOf(response.attestationObject),
    transports: response.getTransports().slice(0, 8),
  };
}

/** Has a passkey, whichever the person chooses, sign a challenge. Throws a Problem where none does. */
export async function signByPasskey(ask: {
  challenge: string;
  partyId: string;
}): Promise<Schemas['PasskeySigned']> {
  const signed = await asked(() =>
    navigator.credentials.get({
      publicKey: {
        challenge: bytesOf(ask.challenge),
        rpId: ask.partyId,
        userVerification: 'required',
        timeout: waitsMS,
      },
    }),
  );
  const response = signed.response as AuthenticatorAssertionResponse;
  return {
    id: textOf(signed.rawId),
    clientData: textOf(response.clientDataJSON),
    authenticator: textOf(response.authenticatorData),
    signature: textOf(response.signature),
    userId: response.userHandle ? textOf(response.userHandle) : '',
  };
}

/** As long as the server waits. */
const waitsMS = 300_000;

async function asked(ask: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  try {
    const credential = await ask();
    if (credential instanceof PublicKeyCredential) return credential;
  } catch (thrown) {
    const name = thrown instanceof DOMException ? thrown.name : '';
    if (name === 'InvalidStateError')
      throw new Problem('passkey-known', 0, 'There is a passkey here already');
    if (name === 'SecurityError') throw new Problem('passkeys-off', 0, 'No passkeys here');
    if (name !== 'NotAllowedError' && name !== 'AbortError') throw thrown;
  }
  throw new Problem('passkey-called-off', 0, 'No passkey was chosen');
}

/** base64url without padding (RFC 4648, section 5). Exported for its test, as is textOf. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), char => char.charCodeAt(0));
}

export function textOf(bytes: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=+$/, '');
}
