import { PERMIT2 } from '../../../evm/addresses.ts';
import type { Permit2Payload } from '../../../evm/permit2.ts';
import type { Call } from '../../chain/chain-facts.ts';
import type { FailureReasons } from '../transfer.ts';
import { accountAccepts, SETTLEMENT_MARGIN_SECONDS, type VerificationContext } from '../verification.ts';
import type { PermitTransfer } from './permit-transfer.ts';

/** The reasons by which failures of permits are told. */
export const PERMIT_REASONS = {
  simulation: 'permit2_simulation_failed',
  nonce: 'permit2_invalid_nonce',
  balance: 'permit2_insufficient_balance',
  allowance: 'permit2_allowance_required',
} as const satisfies FailureReasons;

/**
 * Checks a permit against the chain, in the order and with the reasons of the specification (`scheme_exact_evm.md`);
 * `undefined` when it can be settled now.
 *
 * @param call that settles it
 */
export async function findPermitProblem<P extends Permit2Payload>(
  transfer: PermitTransfer<P>,
  call: Call,
  context: VerificationContext,
): Promise<string | undefined> {
  const { node, reads, sender, signal } = context;
  const { asset, payer, amount, signed } = transfer;
  const [payerHasCode, accepted, assetHasCode, proxyHasCode, balance, allowance, nonceGone, simulation] =
    await Promise.all([
      node.hasCode(payer, signal),
      transfer.signedByKey ? undefined : accountAccepts(transfer, context),
      node.hasCode(asset, signal),
      node.hasCode(call.to, signal),
      reads.balance(asset, payer, signal),
      reads.permit2Allowance(asset, payer, signal),
      reads.permitIsGone(signed.from, signed.nonce, signal),
      node.call(call, sender, signal),
    ]);
  if (!assetHasCode) return 'asset_not_deployed_contract';
  const signatureIsGood = payerHasCode ? (accepted ?? (await accountAccepts(transfer, context))) : transfer.signedByKey;
  if (!signatureIsGood) return 'invalid_permit2_signature';
  // Without the proxy the simulated call would "succeed" on an address that does nothing.
  if (!proxyHasCode) return 'permit2_proxy_not_deployed';
  if (simulation.kind === 'returned') return undefined;
  // Before what is missing: a permit that somebody else has sent took the money and the approval with it.
  if (nonceGone === true) return PERMIT_REASONS.nonce;
  if (balance === undefined || balance < amount) return PERMIT_REASONS.balance;
  return allowance === undefined || allowance < amount ? PERMIT_REASONS.allowance : PERMIT_REASONS.simulation;
}

/**
 * The reason against an approval with the payment, which must be of this payer and for this transfer. The token checks
 * its signature.
 */
export function findApprovalProblem(
  { approval, signed, asset }: PermitTransfer<Permit2Payload>,
  now: number,
): string | undefined {
  if (approval === undefined) return undefined;
  if (approval === 'malformed') return 'invalid_eip2612_extension_format';
  if (approval.from !== signed.from) return 'eip2612_from_mismatch';
  if (approval.asset !== asset) return 'eip2612_asset_mismatch';
  if (approval.spender !== PERMIT2) return 'eip2612_spender_not_permit2';
  if (approval.deadline < BigInt(Math.floor(now)) + SETTLEMENT_MARGIN_SECONDS) return 'eip2612_deadline_expired';
  return approval.value === signed.permitted.amount ? undefined : 'permit2_2612_amount_mismatch';
}
