import { createPublicClient, formatEther, http } from 'viem';
import { DEVNET_CHAIN, type Devnet } from '../../devnet/devnet.ts';
import { formatUnits } from '../../domain/amount.ts';

/** What the three accounts of the demo hold at one time. */
export interface Balances {
  /** Test USDC, atomic units. */
  readonly buyer: bigint;
  /** Test USDC, atomic units. */
  readonly payee: bigint;
  /** Wei of the buyer: none, before and after. */
  readonly buyerEther: bigint;
  /** Wei of the settler, who pays the gas. */
  readonly settlerEther: bigint;
}

/** A mined settlement. */
export interface MinedTransaction {
  readonly status: 'success' | 'reverted';
  readonly block: bigint;
  readonly from: string;
  readonly gasUsed: bigint;
  /** Wei. */
  readonly fee: bigint;
}

/** Reads the balances. */
export async function readBalances(devnet: Devnet): Promise<Balances> {
  const { buyer, payee, settler } = devnet.accounts;
  const client = clientOf(devnet);
  const [buyerUsdc, payeeUsdc, buyerEther, settlerEther] = await Promise.all([
    devnet.usdcBalanceOf(buyer.address),
    devnet.usdcBalanceOf(payee.address),
    client.getBalance({ address: buyer.address }),
    client.getBalance({ address: settler.address }),
  ]);
  return { buyer: buyerUsdc, payee: payeeUsdc, buyerEther, settlerEther };
}

/** Reads a transaction's receipt. */
export async function readTransaction(devnet: Devnet, hash: `0x${string}`): Promise<MinedTransaction> {
  const receipt = await clientOf(devnet).getTransactionReceipt({ hash });
  const { status, blockNumber, from, gasUsed, effectiveGasPrice } = receipt;
  return { status, block: blockNumber, from, gasUsed, fee: gasUsed * effectiveGasPrice };
}

/** Test USDC in whole units. */
export function usdc(amount: bigint): string {
  return `${formatUnits(amount, 6)} USDC`;
}

/** Wei as ether. */
export function ether(wei: bigint): string {
  return `${formatEther(wei)} ETH`;
}

function clientOf(devnet: Devnet) {
  return createPublicClient({ chain: DEVNET_CHAIN, transport: http(devnet.rpcUrl) });
}
