import { type Network, networkFamily } from '../domain/network.ts';
import type { NetworkFamilies } from '../domain/network-family.ts';
import type { Parsed } from '../domain/price.ts';
import { readEvmAddress } from '../family/eip155/eip155.ts';
import { type Decoder, type Field, mapped } from './decoder.ts';
import { byKind, type Entry, record } from './forms.ts';
import { type Place, reportValue, type Source } from './source.ts';
import { text } from './text.ts';

const RIGHT = 'an address, in quotes';
const BY_FAMILY = 'an address, or one for each family such as {eip155: "0x…", solana: "…"}';

/**
 * An address of whatever network family. Which one decides is known where the offers are made, and checked there; what
 * can only be an EVM address is checked at once.
 */
export const address: Decoder<string> = text({
  expects: RIGHT,
  pattern: '0x(?!0{40}$)[0-9a-fA-F]{40}|0x[0-9a-f]{64}|(?!0x)[!-~]{1,128}',
  parse: (given): Parsed<string> => {
    if (given.startsWith('0x') && !/^0x[0-9a-f]{64}$/.test(given)) return readEvmAddress(given);
    return /^[!-~]{1,128}$/.test(given)
      ? { ok: true, value: given }
      : { ok: false, wrong: `${JSON.stringify(given)} is not an address`, right: RIGHT };
  },
});

/** The payees: one account, or one for each network family, whose addresses never fit another. */
export type Payees =
  | { readonly kind: 'one'; readonly address: string }
  | { readonly kind: 'by family'; readonly entries: readonly Entry<string>[] };

/** `payTo` of a route or of the file. */
export const payees: Decoder<Payees> = byKind<Payees>(BY_FAMILY, {
  scalar: mapped(address, (given) => ({ kind: 'one', address: given })),
  map: mapped(record(address, BY_FAMILY, '^[-a-z0-9]{3,8}$'), (entries) => ({ kind: 'by family', entries })),
});

/**
 * The account that is paid on a network; reports what is no address there. `place` is where it stands.
 *
 * @returns `undefined` when it was reported already
 */
export function payeeOn(
  network: Network,
  field: Field<Payees> & { readonly kind: 'value' },
  families: NetworkFamilies,
  source: Source,
): { readonly address: string; readonly place: Place } | undefined {
  const found = entryFor(networkFamily(network), field);
  if (found === 'unsound') return undefined;
  if (found === undefined) {
    const name = networkFamily(network);
    source.report(field.place, `nobody is paid on ${name} networks: payTo has no ${name}`, `${name}: an address`);
    return undefined;
  }
  const read = families.of(network).readAddress(found.address);
  if (read.ok) return { address: read.value, place: found.place };
  reportValue(found.place, { wrong: read.wrong, right: right(field.value, read.right) }, source);
  return undefined;
}

function entryFor(
  family: string,
  { value, place }: Field<Payees> & { readonly kind: 'value' },
): { readonly address: string; readonly place: Place } | 'unsound' | undefined {
  if (value.kind === 'one') return { address: value.address, place };
  const entry = value.entries.find(({ key }) => key === family);
  if (entry === undefined) return undefined;
  return entry.field.kind === 'value' ? { address: entry.field.value, place: entry.field.place } : 'unsound';
}

function right(value: Payees, expected: string): string {
  return value.kind === 'one' ? `${expected}; for several families payTo: {eip155: "0x…", solana: "…"}` : expected;
}

/** Reports each account of a `payTo` whose family is in no way to pay: its author expects it to be paid. */
export function checkPayees(payTo: Field<Payees>, networks: readonly Network[], source: Source): void {
  if (payTo.kind !== 'value' || payTo.value.kind === 'one') return;
  const accepted = new Set(networks.map(networkFamily));
  for (const { key, keyPlace } of payTo.value.entries) {
    if (accepted.has(key)) continue;
    const listed = [...accepted].join(', ');
    source.report(keyPlace, `no way to pay is on a ${key} network`, listed === '' ? 'a network in accepts' : listed);
  }
}
