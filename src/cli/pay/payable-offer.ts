import { decodePaymentRequiredHeader } from '@x402/core/http';
import type { PaymentRequired, PaymentRequirements } from '@x402/core/types';
import type { AssetTable } from '../../config/asset-table.ts';
import { type Amount, formatUnits, parseAmount } from '../../domain/amount.ts';
import type { Asset, KnownNetwork } from '../../domain/asset.ts';
import { sameAddress } from '../../domain/network-family.ts';
import { statesMaximum } from '../../domain/offer.ts';
import { families } from '../../registry.ts';
import { printable } from '../terminal.ts';
import { offeredPass } from './pass.ts';

/** The parts of a 402 that apply to all its offers. */
export type Stated = Pick<PaymentRequired, 'extensions'> & Partial<Pick<PaymentRequired, 'resource'>>;

/** What a server asks for, read from its 402. The text is foreign: {@link describeOffer} makes it safe. */
export interface PayableOffer {
  readonly amount: Amount;
  readonly assetAddress: string;
  /** As our own table knows it; `undefined` for any other contract, whatever it calls itself. */
  readonly asset: Asset | undefined;
  /** As the server writes it: CAIP-2, or the name of x402 v1. */
  readonly networkId: string;
  readonly network: KnownNetwork | undefined;
  readonly scheme: string;
  readonly payTo: string;
  readonly maxTimeoutSeconds: number;
  readonly viaPermit2: boolean;
}

/** What can be signed for here; anything else would go into messages and suggested commands as the server likes. */
const EVM_ADDRESS = /^0x[0-9a-fA-F]{40}$/;

/** The family whose networks x402 v1 has names for. */
export const EVM = 'eip155';

/** The family of a network, by its CAIP-2 identifier or its name in x402 v1. */
export function familyOf(network: string): string {
  const [family = EVM, ...rest] = network.split(':');
  return rest.length === 0 ? EVM : family;
}

/** Reads one entry of `accepts`, v2 or v1; `undefined` when its amount or an address is none. */
export function readOffer(requirements: PaymentRequirements, table: AssetTable): PayableOffer | undefined {
  // v1 calls it `maxAmountRequired`; the client hands such an entry on as it is.
  const stated = 'maxAmountRequired' in requirements ? requirements.maxAmountRequired : requirements.amount;
  const amount = parseAmount(stated);
  if (amount === undefined || amount === 0n) return undefined;
  const name = familyOf(requirements.network);
  const family = families.named(name);
  if (family === undefined) return undefined;
  // Of EVM in any case: a checksum is for those who type, and the buyer is asked about what is signed.
  const isPayable = (text: string): boolean => (name === EVM ? EVM_ADDRESS.test(text) : family.readAddress(text).ok);
  if (!isPayable(requirements.asset) || !isPayable(requirements.payTo)) return undefined;
  const network = table.find(requirements.network);
  const assetAddress = requirements.asset;
  return {
    amount,
    assetAddress,
    asset: network?.assets.find(({ address }) => sameAddress(family, address, assetAddress)),
    networkId: requirements.network,
    network,
    scheme: requirements.scheme,
    payTo: requirements.payTo,
    maxTimeoutSeconds: requirements.maxTimeoutSeconds,
    viaPermit2: requirements.extra?.['assetTransferMethod'] === 'permit2',
  };
}

/** The first offer of a 402, one fact per line; empty where it states no readable price. */
export function describeStated(header: string | null, table: AssetTable, url: string): readonly string[] {
  if (header === null) return [];
  try {
    const required = decodePaymentRequiredHeader(header);
    const [offer] = required.accepts.flatMap((entry) => readOffer(entry, table) ?? []);
    return offer === undefined ? [] : describeOffer(offer, required, url);
  } catch {
    // The library checks only the base64.
    return [];
  }
}

/** The price for people: in whole units where the asset is known, else in atomic ones. */
export function priceText({ amount, asset, assetAddress }: PayableOffer): string {
  if (asset === undefined) return printable(`${amount} atomic units of ${assetAddress}`);
  return `${formatUnits(amount, asset.decimals)} ${asset.symbol}`;
}

/** Describes an offer, one fact per line. */
export function describeOffer(offer: PayableOffer, stated: Stated, url: string): readonly string[] {
  const { network, networkId, asset } = offer;
  // v1 states the resource with each entry.
  const resource = stated.resource?.url ?? url;
  const { description } = stated.resource ?? {};
  const pass = offeredPass(stated.extensions);
  const chain =
    network === undefined
      ? networkId
      : `${network.name} (${network.network}${network.testnet ? ', a test network' : ''})`;
  return [
    ['resource', resource],
    ...(description === undefined || description === '' ? [] : [['for', description]]),
    [
      statesMaximum(offer) ? 'at most' : 'price',
      `${priceText(offer)}${asset === undefined ? '' : ` (${offer.amount} atomic units of ${asset.address})`}`,
    ],
    ['network', chain],
    ['pay to', offer.payTo],
    ...(pass === undefined ? [] : [['buys', `the answer and a pass: ${pass}`]]),
    ['terms', `${offer.scheme}${offer.viaPermit2 ? ' through Permit2' : ''}, valid for ${offer.maxTimeoutSeconds} s`],
  ].map(([name = '', value]) => `${name.padEnd(10)}${printable(value)}`);
}
