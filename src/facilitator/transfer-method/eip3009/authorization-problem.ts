import type { Offer } from '../../../domain/offer.ts';
import type { FailureReasons } from '../transfer.ts';
import { accountAccepts, SETTLEMENT_MARGIN_SECONDS, type VerificationContext } from '../verification.ts';
import { deployFirst, neededDeployment } from '../wallet-deployment.ts';
import { authorizationCall } from './authorization-call.ts';
import type { Eip3009Transfer } from './eip3009-transfer.ts';

/** The reasons by which failures of authorizations are told. */
export const EIP3009_REASONS = {
  simulation: 'invalid_exact_evm_transaction_simulation_failed',
  nonce: 'invalid_exact_evm_nonce_already_used',
  balance: 'invalid_exact_evm_insufficient_balance',
  allowance: undefined,
} as const satisfies FailureReasons;

/**
 * Checks a transfer against the offer and the chain, in the order and with the reasons of the specification
 * (`scheme_exact_evm.md`); `undefined` when it can be settled now.
 *
 * @param now Unix seconds
 */
export async function findEip3009Problem(
  transfer: Eip3009Transfer,
  offer: Offer,
  now: number,
  context: VerificationContext,
): Promise<string | undefined> {
  const { node, reads, sender, factories, signal } = context;
  const { asset, payer, amount } = transfer;
  const deployment = await neededDeployment(transfer, node, signal);
  if (deployment !== undefined && !factories.has(deployment.factory)) return 'eip6492_factory_not_allowed';
  const [payerHasCode, accepted, assetHasCode, nonceGone, balance, simulation] = await Promise.all([
    node.hasCode(payer, signal),
    // A key's own signature needs the account's check only if the account has code, which is rare: done below.
    transfer.signedByKey || deployment !== undefined ? undefined : accountAccepts(transfer, context),
    node.hasCode(asset, signal),
    reads.authorizationIsGone(asset, transfer.signed, signal),
    reads.balance(asset, payer, signal),
    node.call(deployFirst(deployment, authorizationCall(transfer)), sender, signal),
  ]);
  const signatureIsGood = payerHasCode
    ? (accepted ?? (await accountAccepts(transfer, context)))
    : deployment !== undefined || transfer.signedByKey;
  if (!signatureIsGood) return 'invalid_exact_evm_signature';
  const problem = findAuthorizationProblem(transfer, now);
  if (problem !== undefined) return problem;
  if (!assetHasCode) return 'asset_not_deployed_contract';
  if (nonceGone === undefined) return 'invalid_exact_evm_eip3009_not_supported';
  if (nonceGone) return EIP3009_REASONS.nonce;
  const poor = balance !== undefined && balance < amount;
  if (simulation.kind === 'returned' && !poor) return undefined;
  return (
    (await findDomainProblem(transfer, offer, context)) ?? (poor ? EIP3009_REASONS.balance : EIP3009_REASONS.simulation)
  );
}

/** The reason why what was signed does not pay our offer at `now` (Unix seconds), without looking at the chain. */
export function findAuthorizationProblem({ signed, payTo, amount }: Eip3009Transfer, now: number): string | undefined {
  const time = BigInt(Math.floor(now));
  if (signed.to !== payTo) return 'invalid_exact_evm_recipient_mismatch';
  if (signed.validBefore < time + SETTLEMENT_MARGIN_SECONDS) {
    return 'invalid_exact_evm_payload_authorization_valid_before';
  }
  if (signed.validAfter > time) return 'invalid_exact_evm_payload_authorization_valid_after';
  return signed.value === amount ? undefined : 'invalid_exact_evm_payload_authorization_value_mismatch';
}

/** A wrong EIP-712 domain in the price table has its own reason, because it fails the payments of every buyer. */
async function findDomainProblem(
  { asset }: Eip3009Transfer,
  offer: Offer,
  { reads, signal }: VerificationContext,
): Promise<string | undefined> {
  const [name, version] = await Promise.all([
    reads.tokenText(asset, 'name', signal),
    reads.tokenText(asset, 'version', signal),
  ]);
  if (name !== undefined && name !== offer.asset.name) return 'invalid_exact_evm_token_name_mismatch';
  if (version !== undefined && version !== offer.asset.version) return 'invalid_exact_evm_token_version_mismatch';
  return undefined;
}
