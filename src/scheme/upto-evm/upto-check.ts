import { parseAddress } from '../../evm/address.ts';
import { UPTO_PERMIT2_PROXY } from '../../evm/addresses.ts';
import { readUptoPayload, type UptoPayload } from '../../evm/permit2.ts';
import type { CheckTools, TransferCheck } from '../exact-evm/eip3009-check.ts';
import { createPermitCheck, type PermitKind } from '../exact-evm/permit2-check.ts';

const UPTO: PermitKind<UptoPayload> = {
  read: readUptoPayload,
  malformed: 'payload is not a signed upto PermitWitnessTransferFrom',
  spender: UPTO_PERMIT2_PROXY,
  digest: (digests, domain, signed) => digests.uptoWitnessTransfer(domain, signed),
  /** An offer that states no facilitator leaves it to the facilitator to know its own accounts. */
  witnessMismatch({ witness }, offer) {
    const stated = parseAddress(offer.requirements.extra['facilitatorAddress']);
    return stated === undefined || stated === witness.facilitator ? undefined : 'upto_facilitator_mismatch';
  },
};

/** Checks `upto` payloads. */
export function createUptoCheck(tools: CheckTools): TransferCheck {
  return createPermitCheck(UPTO, tools);
}
