import { eip3009ABI } from '@x402/evm';
import { encodeFunctionData, type Hex, parseAbi } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { parseAmount } from '../../src/domain/amount.ts';
import type { TransferMethod } from '../../src/domain/asset.ts';
import type { Payment, PaymentKey } from '../../src/domain/payment.ts';
import type { SettlementAttempt } from '../../src/domain/payment-record.ts';
import type { JsonObject } from '../../src/domain/x402.ts';
import { PERMIT2 } from '../../src/evm/addresses.ts';
import {
  approvePermit2,
  authorizationOf,
  clientOf,
  type Devnet,
  freshPayer,
  type Payer,
  requirementsOn,
  setBalance,
  signPayment,
} from '../support/devnet.ts';
import { TRANSFER_TYPES } from '../support/exact-evm-payments.ts';

/** What every payment of the suite costs, in atomic units. */
export const PRICE = 10_000n;

/** Unlocked by anvil; sends the transactions of all other parties. */
export const STRANGER: Hex = '0x976EA74026E726554dB657fA54763abd0C3a0aa9';

/** A payment, and what its payer and others can do with it. */
export interface MadePayment {
  readonly payment: Payment;
  readonly payer: Payer;
  readonly payTo: Hex;
  /** What the seller received of it. */
  received(): Promise<bigint>;
  /** A stranger sends the payment's own authorization; returns the transaction's hash. */
  frontRun(): Promise<Hex>;
  /** The payer cancels the authorization. */
  cancel(): Promise<void>;
  /** The payer uses the nonce for a transfer to somebody else. */
  useElsewhere(): Promise<void>;
  /** The calls of {@link frontRun} and {@link cancel} for an EIP-3009 payment, for tests that choose the moment. */
  frontRunCall(): Hex;
  cancelCall(): Promise<Hex>;
}

/** Makes a payment that the stock client signed; to a seller of its own, unless `payTo` names one. */
export async function makePayment(
  devnet: Devnet,
  method: TransferMethod = 'eip3009',
  of?: Payer,
  payTo: Hex = privateKeyToAccount(generatePrivateKey()).address,
): Promise<MadePayment> {
  const payer = of ?? (await freshPayer(devnet));
  if (method === 'permit2') await approvePermit2(devnet, payer.key);
  const extra = method === 'permit2' ? { assetTransferMethod: 'permit2' } : { name: 'USDC', version: '2' };
  const requirements = requirementsOn(devnet, { payTo, extra });
  const signed = await signPayment(devnet, payer, requirements);
  const payload: JsonObject = JSON.parse(JSON.stringify(signed.payload));
  const authorization = (payload['authorization'] ?? payload['permit2Authorization']) as Record<string, string>;
  const nonce = authorization['nonce'] as Hex;
  const transfer = (signature: Hex, to: Hex, value: bigint): Hex => {
    const [from, , , ...rest] = authorizationOf(signed);
    return encodeFunctionData({
      abi: eip3009ABI,
      functionName: 'transferWithAuthorization',
      args: [from, to, value, ...rest, signature],
    });
  };
  return {
    payment: paymentOf(devnet, method, requirements, payload, payer, authorization),
    payer,
    payTo,
    received: async () => await devnet.usdcBalanceOf(payTo),
    frontRunCall: () => transfer(payload['signature'] as Hex, payTo, PRICE),
    cancelCall: async () => await cancellation(devnet, payer, nonce),
    frontRun: async () =>
      await sendAs(devnet, STRANGER, devnet.usdc, transfer(payload['signature'] as Hex, payTo, PRICE)),
    cancel: async () => {
      if (method === 'permit2') await giveUpPermit(devnet, payer, BigInt(nonce));
      else await sendAs(devnet, STRANGER, devnet.usdc, await cancellation(devnet, payer, nonce));
    },
    useElsewhere: async () => {
      const other = requirementsOn(devnet, { payTo: STRANGER, amount: '1' });
      const [from, , , validAfter, validBefore] = authorizationOf(signed);
      const message = { from, to: other.payTo as Hex, value: 1n, validAfter, validBefore, nonce };
      const signature = await privateKeyToAccount(payer.key).signTypedData({
        domain: domainOf(devnet),
        types: TRANSFER_TYPES,
        primaryType: 'TransferWithAuthorization',
        message,
      });
      await sendAs(devnet, STRANGER, devnet.usdc, transfer(signature, STRANGER, 1n));
    },
  };
}

/** A ledger that remembers the attempts, and runs what a test wants when one is written. */
export function notebook(onWrite: (attempt: SettlementAttempt) => Promise<void> | void = () => {}) {
  const attempts: SettlementAttempt[] = [];
  return {
    attempts,
    last: (): SettlementAttempt => {
      const attempt = attempts.at(-1);
      if (attempt === undefined) throw new Error('nothing was written down');
      return attempt;
    },
    write: async (attempt: SettlementAttempt): Promise<void> => {
      attempts.push(attempt);
      await onWrite(attempt);
    },
  };
}

function domainOf(devnet: Devnet) {
  return { name: 'USDC', version: '2', chainId: devnet.chainId, verifyingContract: devnet.usdc } as const;
}

function paymentOf(
  devnet: Devnet,
  transferMethod: TransferMethod,
  requirements: ReturnType<typeof requirementsOn>,
  payload: JsonObject,
  payer: Payer,
  authorization: Record<string, string>,
): Payment {
  const amount = parseAmount(requirements.amount);
  if (amount === undefined) throw new Error('the price of the suite is no amount');
  const { network } = devnet;
  const extra: JsonObject = JSON.parse(JSON.stringify(requirements.extra));
  const wire = { ...requirements, extra };
  const asset = { network, address: devnet.usdc, symbol: 'USDC', decimals: 6, name: 'USDC', version: '2' };
  return {
    submission: { version: 2, payload: { x402Version: 2, accepted: wire, payload } },
    offer: {
      scheme: 'exact',
      network,
      asset: { ...asset, transferMethod },
      amount,
      payTo: requirements.payTo,
      maxTimeoutSeconds: 60,
      v1Network: transferMethod === 'eip3009' ? 'base-sepolia' : undefined,
      requirements: wire,
    },
    resourceUrl: 'https://api.example.com/paid',
    authorization: {
      key: `${transferMethod}|${payer.address}|${authorization['nonce']}` as PaymentKey,
      payer: payer.address.toLowerCase(),
      expiresAt: Number(authorization['validBefore'] ?? authorization['deadline']),
      digest: '',
      proved: true,
    },
  };
}

async function cancellation(devnet: Devnet, payer: Payer, nonce: Hex): Promise<Hex> {
  const signature = await privateKeyToAccount(payer.key).signTypedData({
    domain: domainOf(devnet),
    types: {
      CancelAuthorization: [
        { name: 'authorizer', type: 'address' },
        { name: 'nonce', type: 'bytes32' },
      ],
    },
    primaryType: 'CancelAuthorization',
    message: { authorizer: payer.address, nonce },
  });
  const abi = parseAbi(['function cancelAuthorization(address authorizer, bytes32 nonce, bytes signature)']);
  return encodeFunctionData({ abi, args: [payer.address, nonce, signature] });
}

async function giveUpPermit(devnet: Devnet, payer: Payer, nonce: bigint): Promise<void> {
  const abi = parseAbi(['function invalidateUnorderedNonces(uint256 word, uint256 mask)']);
  await setBalance(devnet, payer.address, 10n ** 18n);
  const data = encodeFunctionData({ abi, args: [nonce >> 8n, 1n << (nonce & 255n)] });
  await sendAs(devnet, privateKeyToAccount(payer.key), PERMIT2, data);
}

async function sendAs(
  devnet: Devnet,
  account: Hex | ReturnType<typeof privateKeyToAccount>,
  to: Hex,
  data: Hex,
): Promise<Hex> {
  const receipt = await clientOf(devnet).sendTransactionSync({ account, to, data, throwOnReceiptRevert: true });
  return receipt.transactionHash;
}
