import {
  type Chain,
  createTestClient,
  defineChain,
  type Hex,
  http,
  maxUint256,
  parseAbi,
  publicActions,
  walletActions,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { type Network, parseNetwork } from '../domain/network.ts';
import { DEVNET_ACCOUNTS, type DevnetAccount, MINTER } from './accounts.ts';
import { type Address, DEVNET_CHAIN_ID, MULTICALL3, OWN_CONTRACTS, PERMIT2, USDC } from './addresses.ts';
import { type Anvil, startAnvil } from './anvil.ts';
import { readArtifact } from './artifact.ts';
import { borrowCode, type PlacedCode } from './borrowed-code.ts';
import { DevnetError } from './devnet-error.ts';

/** How to start a development chain. */
export interface DevnetOptions {
  /** Port of its RPC on 127.0.0.1; 0, the default, takes a free one. */
  readonly port?: number;
  /**
   * For a chain that runs for hours. Without it, the chain grows by about 0.2 MB with each block, 0.3 GB an hour. With
   * it, the chain stays small, but a read sometimes fails (`BlockOutOfRangeError`) when a block is mined meanwhile: one
   * in thousands on an idle chain, several in a hundred under load. Default false.
   */
  readonly longLived?: boolean;
  /** Ends the chain: while it starts, and later. */
  readonly signal?: AbortSignal;
}

/** A chain on this machine that official x402 clients take for Base Sepolia. */
export interface Devnet {
  readonly rpcUrl: string;
  readonly chainId: number;
  readonly network: Network;
  /** The test USDC, at the address of Base Sepolia's. */
  readonly usdc: Address;
  readonly accounts: {
    /** Sends settlements and pays for gas; has ether. */
    readonly settler: DevnetAccount;
    /** Has test USDC and no ether: a buyer only signs. */
    readonly buyer: DevnetAccount;
    readonly payee: DevnetAccount;
  };
  /** Makes test USDC for an account, in atomic units (6 decimals). Resolves when it is on chain; may run concurrently. */
  mint(address: Address, amount: bigint): Promise<void>;
  /** Test USDC of an account, in atomic units (6 decimals). */
  usdcBalanceOf(address: Address): Promise<bigint>;
  /** Resolves when the chain's process is gone, for any reason. */
  readonly gone: Promise<void>;
  /** Ends the chain; resolves when its process is gone. May be called again. */
  close(): Promise<void>;
}

/** The development chain for viem. `rpcUrls` has no default: every chain has its own port. */
export const DEVNET_CHAIN: Chain = defineChain({
  id: DEVNET_CHAIN_ID,
  name: 'Turnpike development chain',
  nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
  rpcUrls: { default: { http: [] } },
  contracts: { multicall3: { address: MULTICALL3 } },
  testnet: true,
});

/**
 * Blocks are mined with each transaction, and also every 2 s. Otherwise the clock of an idle chain would stand still
 * for `eth_call`, and expired authorizations would look valid.
 */
const CHAIN_ARGUMENTS = [
  ...['--chain-id', String(DEVNET_CHAIN_ID)],
  ...['--block-time', '2', '--mixed-mining'],
  '--no-cors',
  // Otherwise it writes state to the home folder, and slows down. Last, because its number is optional.
  '--prune-history',
];

/** The states that anvil keeps: enough that a read of the latest one still finds it when a block is mined meanwhile. */
const KEPT_STATES = '8';

/** 1000 USDC. */
const BUYER_FUNDS = 1_000_000_000n;

const TOKEN_ABI = parseAbi([
  'function mint(address to, uint256 value)',
  'function balanceOf(address account) view returns (uint256)',
]);

/**
 * Starts a development chain with a test USDC, Permit2, Multicall3 and the Permit2 proxies of x402 at their public
 * addresses, a buyer with 1000 USDC and a settler with ether. It never outlives this process.
 *
 * @throws {DevnetError} when the machine cannot run one
 * @throws the signal's reason when the signal fires first
 * @example
 * const devnet = await startDevnet();
 * await devnet.mint('0x…', 5_000_000n);
 * await devnet.close();
 */
export async function startDevnet(options: DevnetOptions = {}): Promise<Devnet> {
  const args = options.longLived === true ? CHAIN_ARGUMENTS : [...CHAIN_ARGUMENTS, KEPT_STATES];
  const [started, borrowed] = await Promise.allSettled([
    startAnvil({ args, port: options.port ?? 0, signal: options.signal }),
    borrowCode(options.signal),
  ]);
  if (started.status === 'rejected') throw started.reason;
  const anvil = started.value;
  try {
    if (borrowed.status === 'rejected') throw borrowed.reason;
    const devnet = await furnishedDevnet(anvil, borrowed.value);
    options.signal?.throwIfAborted();
    return devnet;
  } catch (error) {
    await anvil.close();
    // If the signal ended the chain, the signal is the reason of the failure.
    options.signal?.throwIfAborted();
    throw error;
  }
}

/** Puts the contracts and the buyer's money on a running chain; `borrowed` is third-party code that the chain lacks. */
export async function furnishedDevnet(anvil: Anvil, borrowed: readonly PlacedCode[]): Promise<Devnet> {
  const devnet = devnetOn(anvil);
  await furnish(anvil.rpcUrl, [...borrowed, ...(await ownCode())]);
  await devnet.mint(devnet.accounts.buyer.address, BUYER_FUNDS);
  return devnet;
}

function devnetOn(anvil: Anvil): Devnet {
  const client = clientFor(anvil.rpcUrl);
  const network = parseNetwork(`eip155:${DEVNET_CHAIN_ID}`);
  if (network === undefined) throw new DevnetError('The chain id of the development chain makes no network.');
  // One after the other: anvil gives transactions that arrive together the same nonce.
  let lastMint = Promise.resolve();
  const mint = async (address: Address, amount: bigint): Promise<void> => {
    await client.writeContractSync({
      account: MINTER,
      address: USDC,
      abi: TOKEN_ABI,
      functionName: 'mint',
      args: [address, amount],
      throwOnReceiptRevert: true,
    });
  };
  return {
    rpcUrl: anvil.rpcUrl,
    chainId: DEVNET_CHAIN_ID,
    network,
    usdc: USDC,
    accounts: DEVNET_ACCOUNTS,
    mint(address, amount) {
      const minted = lastMint.then(() => mint(address, amount));
      lastMint = minted.catch(() => {});
      return minted;
    },
    usdcBalanceOf: (address) =>
      client.readContract({ address: USDC, abi: TOKEN_ABI, functionName: 'balanceOf', args: [address] }),
    gone: anvil.gone,
    close: () => anvil.close(),
  };
}

/** The code of our own contracts. */
async function ownCode(): Promise<readonly PlacedCode[]> {
  return await Promise.all(
    OWN_CONTRACTS.map(async ({ name, address }) => ({ address, code: (await readArtifact(name)).deployedBytecode })),
  );
}

async function furnish(rpcUrl: string, contracts: readonly PlacedCode[]): Promise<void> {
  const client = clientFor(rpcUrl);
  await Promise.all([
    ...contracts.map(({ address, code }) => client.setCode({ address, bytecode: code })),
    client.setBalance({ address: DEVNET_ACCOUNTS.buyer.address, value: 0n }),
  ]);
}

/**
 * A client that reads a development chain, sets its state directly, and sends transactions. viem's return type is long,
 * so it is inferred.
 */
function clientFor(rpcUrl: string) {
  return createTestClient({ mode: 'anvil', chain: DEVNET_CHAIN, transport: http(rpcUrl), pollingInterval: 50 })
    .extend(publicActions)
    .extend(walletActions);
}

const APPROVE_ABI = parseAbi(['function approve(address spender, uint256 value) returns (bool)']);

/** Pays for the gas of one approval. */
const GAS_MONEY = 10n ** 18n;

/**
 * Lets Permit2 take any amount of a token from an account of a development chain. A buyer does this once, before
 * metered prices. The account's balance is raised for the gas and set back afterwards. It must send nothing else
 * meanwhile.
 *
 * @param key private key of the account, which is not a contract
 */
export async function approvePermit2(rpcUrl: string, key: Hex, token: Address = USDC): Promise<void> {
  const client = clientFor(rpcUrl);
  const account = privateKeyToAccount(key);
  const before = await client.getBalance({ address: account.address });
  await client.setBalance({ address: account.address, value: before + GAS_MONEY });
  await client.writeContractSync({
    account,
    address: token,
    abi: APPROVE_ABI,
    functionName: 'approve',
    args: [PERMIT2, maxUint256],
    throwOnReceiptRevert: true,
  });
  await client.setBalance({ address: account.address, value: before });
}
