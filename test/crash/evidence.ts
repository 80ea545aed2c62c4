import type { Hex } from 'viem';
import type { PaymentRecord } from '../../src/domain/payment-record.ts';
import { authorizationUsedEvent, transferEvent } from '../../src/evm/abi.ts';
import { clientOf } from '../support/devnet.ts';
import type { Story } from './buyer.ts';
import type { Broadcast } from './chain-tap.ts';
import type { ApiCall } from './flaky-api.ts';
import type { LogLine } from './gateway-process.ts';
import type { JudgeKind } from './judge.ts';
import type { World } from './world.ts';

/** One use of an authorization on the chain. */
export interface AuthorizationUse {
  readonly nonce: string;
  readonly payer: string;
  readonly transaction: Hex;
}

/** Money that the payee received on the chain. */
export interface PayeeTransfer {
  readonly transaction: Hex;
  readonly payer: string;
  /** Atomic units. */
  readonly amount: bigint;
}

/** The state of the chain at the end. */
export interface ChainFacts {
  readonly uses: readonly AuthorizationUse[];
  readonly transfers: readonly PayeeTransfer[];
  /** What the payee received, in atomic units. */
  readonly earned: bigint;
  /** Hashes of the gateway's mined transactions, successful or not. */
  readonly mined: ReadonlySet<Hex>;
  /** The settling account's mined transactions, and the same with waiting ones. */
  readonly settler: { readonly mined: number; readonly pending: number };
  /** Transactions that the node holds and cannot mine. */
  readonly waiting: number;
}

/** All facts that the invariants check. */
export interface Evidence {
  readonly facilitator: JudgeKind;
  readonly chain: ChainFacts;
  readonly rows: readonly PaymentRecord[];
  readonly stories: readonly Story[];
  readonly calls: readonly ApiCall[];
  readonly broadcasts: readonly Broadcast[];
  /** The log of every life. */
  readonly log: readonly LogLine[];
  /** How many lives of the gateway ended by a kill: those from 1 on. */
  readonly killed: number;
  /** How the last life ended, which was shut down. */
  readonly exitCode: number | null;
}

/** Reads the state of the chain. */
export async function readChain(world: World): Promise<ChainFacts> {
  const { devnet, tap } = world;
  const client = clientOf(devnet);
  const { payee, settler } = devnet.accounts;
  const from = { address: devnet.usdc, fromBlock: 0n, toBlock: 'latest', strict: true } as const;
  const [uses, transfers, balance, mined, pending, pool] = await Promise.all([
    client.getLogs({ ...from, event: authorizationUsedEvent }),
    client.getLogs({ ...from, event: transferEvent, args: { to: payee.address } }),
    devnet.usdcBalanceOf(payee.address),
    client.getTransactionCount({ address: settler.address, blockTag: 'latest' }),
    client.getTransactionCount({ address: settler.address, blockTag: 'pending' }),
    client.getTxpoolStatus(),
  ]);
  const hashes = [...new Set(tap.broadcasts.map(({ hash }) => hash))];
  const receipts = await Promise.all(
    hashes.map((hash) => client.getTransactionReceipt({ hash }).catch(() => undefined)),
  );
  return {
    uses: uses.map(({ args, transactionHash }) => ({
      nonce: args.nonce,
      payer: args.authorizer.toLowerCase(),
      transaction: transactionHash,
    })),
    transfers: transfers.map(({ args, transactionHash }) => ({
      transaction: transactionHash,
      payer: args.from.toLowerCase(),
      amount: args.value,
    })),
    earned: balance - world.paidBefore,
    mined: new Set(hashes.filter((_, index) => receipts[index] !== undefined)),
    settler: { mined, pending },
    waiting: pool.queued + pool.pending,
  };
}

/** Reads the whole ledger. */
export async function readRows({ ledger }: World): Promise<readonly PaymentRecord[]> {
  const rows: PaymentRecord[] = [];
  for (;;) {
    const last = rows.at(-1);
    const page = await ledger.list({}, last && { claimedAt: last.claimedAt, key: last.key }, 200);
    if (page.length === 0) return rows;
    rows.push(...page);
  }
}
