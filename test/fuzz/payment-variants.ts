import type { Random } from '../crash/random.ts';
import { encodePayment, highS, toHeader } from '../support/payment-header.ts';
import type { SignedPayment } from './wallet.ts';

const VALUES = [
  '',
  '0',
  '1',
  '10001',
  '-1',
  '0x2710',
  ' 10000',
  '9'.repeat(78),
  '99999999999',
  null,
  7,
  [],
  {},
  `0x${'66'.repeat(20)}`,
  `0x${'00'.repeat(32)}`,
  'exact',
  'eip155:1',
  '__proto__',
];

/** A signed payment with something about it changed: its encoding, a field, its signature. */
export function changedPayment({ parts, header }: SignedPayment, random: Random): string {
  const changes: [() => string, ...(() => string)[]] = [
    () => header.replace(/=+$/, ''),
    () => header.replaceAll('+', '-').replaceAll('/', '_'),
    () => `${header}=`,
    () => `${header}, ${header}`,
    () => `"${header}"`,
    () =>
      Buffer.from(header, 'base64')
        .toString('latin1')
        .replaceAll(/[^\x20-\x7e]/g, ''),
    () => header.slice(0, random.between(0, header.length)),
    () => flip(header, random),
    () => encodePayment({ ...parts, signature: highS(parts.signature) }),
    () => encodePayment({ ...parts, signature: `0x${parts.signature.slice(2).toUpperCase()}` as `0x${string}` }),
    () => encodePayment({ ...parts, signature: random.hex(random.between(0, 200)) }),
    () => encodePayment({ ...parts, x402Version: random.between(0, 3) }),
    () => encodePayment({ ...parts, accepted: withOne(parts.accepted, random) }),
    () =>
      toHeader({
        ...parts,
        payload: { signature: parts.signature, authorization: withOne(parts.authorization, random) },
      }),
    () => encodePayment({ ...parts, resource: { url: random.pick(['', 'x', 'http://gw.test/free', 'javascript:1']) } }),
    () => encodePayment({ ...parts, extensions: { any: 'x'.repeat(random.between(0, 12_000)) } }),
  ];
  return random.pick(changes)();
}

/** An object with one of its members replaced by something else. */
function withOne(members: Readonly<Record<string, unknown>>, random: Random): Record<string, unknown> {
  const names = Object.keys(members);
  const name = names[random.between(0, names.length - 1)] ?? '';
  return { ...members, [name]: VALUES[random.between(0, VALUES.length - 1)] };
}

function flip(text: string, random: Random): string {
  const at = random.between(0, Math.max(0, text.length - 1));
  return (
    text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << random.between(0, 6))) + text.slice(at + 1)
  );
}
