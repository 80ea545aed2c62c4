import { isJsonObject } from '../../domain/payment.ts';
import type { JsonObject } from '../../domain/x402.ts';
import { type Address, parseAddress } from '../address.ts';
import { type Permit2Payload, type PermitForm, readPermit2Payload } from '../permit2.ts';

/** The x402 proxy that alone may use an `upto` permit, and only for the account that the payer named in it. */
export const UPTO_PERMIT2_PROXY = '0x4020a4f3b7b90cca423b9fabcc0ce57c6c240002' as Address;

/**
 * A signed `PermitWitnessTransferFrom` for up to an amount: the `upto` payload. Only the account in the witness may
 * choose the amount.
 *
 * @see x402 specification, `scheme_upto_evm.md`
 */
export interface UptoPayload extends Permit2Payload {
  readonly witness: Permit2Payload['witness'] & { readonly facilitator: Address };
}

/** The permits of `upto`. */
export const UPTO_PERMIT: PermitForm<UptoPayload> = {
  spender: UPTO_PERMIT2_PROXY,
  witness: {
    type: 'Witness(address to,address facilitator,uint256 validAfter)',
    members: ({ to, facilitator, validAfter }) => [to, facilitator, validAfter],
  },
  read: readUptoPayload,
};

/** Reads an `upto` payload as strictly as {@link readPermit2Payload}. */
function readUptoPayload(payload: JsonObject): UptoPayload | undefined {
  const signed = readPermit2Payload(payload);
  const authorization = payload['permit2Authorization'];
  const witness = isJsonObject(authorization) ? authorization['witness'] : undefined;
  const facilitator = isJsonObject(witness) ? parseAddress(witness['facilitator']) : undefined;
  if (signed === undefined || facilitator === undefined) return undefined;
  return { ...signed, witness: { ...signed.witness, facilitator } };
}
