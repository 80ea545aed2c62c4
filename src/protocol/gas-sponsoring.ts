import type { JsonObject } from '../domain/x402.ts';

/** The extensions by which a facilitator pays for the approval of Permit2 that a payer lacks, the preferred one first. */
export const GAS_SPONSORING = ['eip2612GasSponsoring', 'erc20ApprovalGasSponsoring'] as const;

/** One of them, by its key in `extensions`. */
export type GasSponsoring = (typeof GAS_SPONSORING)[number];

/** What a member looks like in the declaration's schema. */
const ADDRESS = { type: 'string', pattern: '^0x[a-fA-F0-9]{40}$' };
const NUMBER = { type: 'string', pattern: '^[0-9]+$' };
const HEX = { type: 'string', pattern: '^0x[a-fA-F0-9]+$' };
const VERSION = { type: 'string', pattern: '^[0-9]+(\\.[0-9]+)*$' };
const APPROVAL = { from: ADDRESS, asset: ADDRESS, spender: ADDRESS, amount: NUMBER };

const DESCRIPTIONS: Readonly<Record<GasSponsoring, string>> = {
  eip2612GasSponsoring: 'The facilitator accepts EIP-2612 gasless Permit to `Permit2` canonical contract.',
  erc20ApprovalGasSponsoring:
    'The facilitator broadcasts a pre-signed ERC-20 approve() transaction to grant Permit2 allowance.',
};

/** What the client puts into `info`. */
const MEMBERS: Readonly<Record<GasSponsoring, JsonObject>> = {
  eip2612GasSponsoring: { ...APPROVAL, nonce: NUMBER, deadline: NUMBER, signature: HEX, version: VERSION },
  erc20ApprovalGasSponsoring: { ...APPROVAL, signedTransaction: HEX, version: VERSION },
};

/**
 * The declaration of one of them in a 402. A client that finds it signs the approval beside its payment, and the
 * facilitator sends both to the chain. The facilitator checks what the client signs.
 *
 * @param whole whether to state its description and the form of `info`, which stock clients know in any case
 * @see x402 specification, `extensions/eip2612_gas_sponsoring.md` and `extensions/erc20_gas_sponsoring.md`
 */
export function declareGasSponsoring(kind: GasSponsoring, whole: boolean): JsonObject {
  if (!whole) return { info: { version: '1' } };
  const properties = MEMBERS[kind];
  return {
    info: { description: DESCRIPTIONS[kind], version: '1' },
    schema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties,
      required: Object.keys(properties),
    },
  };
}
