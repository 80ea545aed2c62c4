import type { Offer } from '../../domain/offer.ts';
import type { Payment } from '../../domain/payment.ts';
import type { Address } from '../../evm/address.ts';
import { EXACT_PERMIT2_PROXY, PERMIT2 } from '../../evm/addresses.ts';
import { UPTO_PERMIT2_PROXY } from '../../evm/upto/upto-permit.ts';
import type { ChainNode } from '../chain/chain-node.ts';
import type { ChainReads } from '../chain/chain-reads.ts';
import type { Eip3009Transfer, Permit2Transfer, Transfer, UptoTransfer, WalletDeployment } from '../chain/transfer.ts';
import { transferCall } from './transfer-call.ts';

/**
 * Seconds for which an authorization must stay valid: a block or two until it is mined. Same as the official
 * facilitator.
 */
const SETTLEMENT_MARGIN_SECONDS = 6n;

/** The chain, and the facts that verification needs. */
export interface VerificationContext {
  readonly node: ChainNode;
  readonly reads: ChainReads;
  /** The account that will send the settlement: simulations run in its name. */
  readonly sender: Address;
  /** ERC-6492 factories that may be called. */
  readonly factories: ReadonlySet<string>;
  readonly signal?: AbortSignal;
}

/** The reason to refuse a payment before looking at its signature or the chain, or `undefined`. */
export function findTermsProblem(payment: Payment): string | undefined {
  const { offer, submission } = payment;
  const { scheme, network } = submission.version === 2 ? submission.payload.accepted : submission.payload;
  const ours = submission.version === 2 ? offer.network : offer.v1Network;
  if (offer.scheme === 'upto') {
    if (scheme !== 'upto') return 'invalid_upto_evm_scheme';
    return network === ours ? undefined : 'invalid_upto_evm_network_mismatch';
  }
  const permit2 = offer.asset.transferMethod === 'permit2';
  if (scheme !== 'exact' || offer.scheme !== 'exact') {
    return permit2 ? 'unsupported_payload_type' : 'invalid_exact_evm_scheme';
  }
  if (!permit2 && (offer.asset.name === '' || offer.asset.version === '')) {
    return 'invalid_exact_evm_missing_eip712_domain';
  }
  return network === ours ? undefined : 'invalid_exact_evm_network_mismatch';
}

/**
 * Checks a transfer against the offer and the chain, in the order and with the reasons of the specification
 * (`scheme_exact_evm.md`); `undefined` when it can be settled now.
 *
 * @param now Unix seconds
 */
export async function findProblem(
  transfer: Transfer,
  offer: Offer,
  now: number,
  context: VerificationContext,
): Promise<string | undefined> {
  switch (transfer.method) {
    case 'eip3009':
      return await findEip3009Problem(transfer, offer, now, context);
    case 'permit2':
    case 'upto':
      return await findPermit2Problem(transfer, now, context);
  }
}

/**
 * The reason why what was signed does not pay our offer at `now` (Unix seconds), without looking at the chain.
 *
 * @param sender the account that will send the settlement
 */
export function findSignedProblem(transfer: Transfer, now: number, sender: Address): string | undefined {
  switch (transfer.method) {
    case 'eip3009':
      return findAuthorizationProblem(transfer, now);
    case 'permit2':
      return findPermitProblem(transfer, now);
    case 'upto':
      return findUptoProblem(transfer, now, sender);
  }
}

/** The wallet to create before the transfer: that of an ERC-6492 signature whose account has no code yet. */
export async function neededDeployment(
  transfer: Transfer,
  node: ChainNode,
  signal?: AbortSignal,
): Promise<WalletDeployment | undefined> {
  if (transfer.method !== 'eip3009' || transfer.deployment === undefined) return undefined;
  return (await node.hasCode(transfer.payer, signal)) ? undefined : transfer.deployment;
}

async function findEip3009Problem(
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
    reads.nonceIsGone(transfer, signal),
    reads.balance(asset, payer, signal),
    node.call(transferCall(transfer, deployment), sender, signal),
  ]);
  const signatureIsGood = payerHasCode
    ? (accepted ?? (await accountAccepts(transfer, context)))
    : deployment !== undefined || transfer.signedByKey;
  if (!signatureIsGood) return 'invalid_exact_evm_signature';
  const problem = findAuthorizationProblem(transfer, now);
  if (problem !== undefined) return problem;
  if (!assetHasCode) return 'asset_not_deployed_contract';
  if (nonceGone === undefined) return 'invalid_exact_evm_eip3009_not_supported';
  if (nonceGone) return 'invalid_exact_evm_nonce_already_used';
  const poor = balance !== undefined && balance < amount;
  if (simulation.kind === 'returned' && !poor) return undefined;
  return (
    (await findDomainProblem(transfer, offer, context)) ??
    (poor ? 'invalid_exact_evm_insufficient_balance' : 'invalid_exact_evm_transaction_simulation_failed')
  );
}

function findAuthorizationProblem({ signed, payTo, amount }: Eip3009Transfer, now: number): string | undefined {
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

async function findPermit2Problem(
  transfer: Permit2Transfer | UptoTransfer,
  now: number,
  context: VerificationContext,
): Promise<string | undefined> {
  const { node, reads, sender, signal } = context;
  const problem = findSignedProblem(transfer, now, sender) ?? findApprovalProblem(transfer, now);
  if (problem !== undefined) return problem;
  const { asset, payer, amount } = transfer;
  const call = transferCall(transfer, undefined);
  const [payerHasCode, accepted, assetHasCode, proxyHasCode, balance, allowance, nonceGone, simulation] =
    await Promise.all([
      node.hasCode(payer, signal),
      transfer.signedByKey ? undefined : accountAccepts(transfer, context),
      node.hasCode(asset, signal),
      node.hasCode(call.to, signal),
      reads.balance(asset, payer, signal),
      reads.permit2Allowance(asset, payer, signal),
      reads.nonceIsGone(transfer, signal),
      node.call(call, sender, signal),
    ]);
  if (!assetHasCode) return 'asset_not_deployed_contract';
  const signatureIsGood = payerHasCode ? (accepted ?? (await accountAccepts(transfer, context))) : transfer.signedByKey;
  if (!signatureIsGood) return 'invalid_permit2_signature';
  // Without the proxy the simulated call would "succeed" on an address that does nothing.
  if (!proxyHasCode) return 'permit2_proxy_not_deployed';
  if (simulation.kind === 'returned') return undefined;
  // Before what is missing: a permit that somebody else has sent took the money and the approval with it.
  if (nonceGone === true) return 'permit2_invalid_nonce';
  if (balance === undefined || balance < amount) return 'permit2_insufficient_balance';
  return allowance === undefined || allowance < amount ? 'permit2_allowance_required' : 'permit2_simulation_failed';
}

/** An approval with the payment must be of this payer and for this transfer. The token checks its signature. */
function findApprovalProblem(
  { approval, signed, asset }: Permit2Transfer | UptoTransfer,
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

function findPermitProblem({ signed, payTo, asset, amount }: Permit2Transfer, now: number): string | undefined {
  const time = BigInt(Math.floor(now));
  if (signed.spender !== EXACT_PERMIT2_PROXY) return 'invalid_permit2_spender';
  if (signed.witness.to !== payTo) return 'invalid_permit2_recipient_mismatch';
  if (signed.deadline < time + SETTLEMENT_MARGIN_SECONDS) return 'permit2_deadline_expired';
  if (signed.witness.validAfter > time) return 'permit2_not_yet_valid';
  if (signed.permitted.amount !== amount) return 'permit2_amount_mismatch';
  return signed.permitted.token === asset ? undefined : 'permit2_token_mismatch';
}

/** `amount` is the whole permit when it is verified, and what was used when it is settled. */
function findUptoProblem(transfer: UptoTransfer, now: number, sender: Address): string | undefined {
  const { signed, payTo, asset, amount, maximum } = transfer;
  const time = BigInt(Math.floor(now));
  if (signed.spender !== UPTO_PERMIT2_PROXY) return 'invalid_permit2_spender';
  if (signed.witness.to !== payTo) return 'invalid_permit2_recipient_mismatch';
  if (signed.witness.facilitator !== sender) return 'upto_facilitator_mismatch';
  if (signed.deadline < time + SETTLEMENT_MARGIN_SECONDS) return 'permit2_deadline_expired';
  if (signed.witness.validAfter > time) return 'permit2_not_yet_valid';
  if (signed.permitted.amount !== maximum) return 'permit2_amount_mismatch';
  if (amount > maximum) return 'upto_amount_exceeds_permitted';
  return signed.permitted.token === asset ? undefined : 'permit2_token_mismatch';
}

async function accountAccepts(transfer: Transfer, { reads, signal }: VerificationContext): Promise<boolean> {
  return await reads.accountAccepts(transfer.payer, transfer.digest, transfer.signature, signal);
}
