import { parseAddress } from '../../evm/address.ts';
import { UPTO_PERMIT, type UptoPayload } from '../../evm/upto/upto-permit.ts';
import type { CheckTools, TransferCheck } from '../exact-evm/eip3009-check.ts';
import { createPermitCheck, type PermitKind } from '../exact-evm/permit2-check.ts';
import { NUMBERS_ARE_TEXTS } from '../exact-evm/unfit.ts';

const UPTO: PermitKind<UptoPayload> = {
  form: UPTO_PERMIT,
  malformed: `payload is not a signed upto PermitWitnessTransferFrom; ${NUMBERS_ARE_TEXTS}`,
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
