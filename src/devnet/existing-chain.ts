import { createTestClient, http, publicActions } from 'viem';
import { MINTER } from './accounts.ts';
import { DEVNET_CHAIN_ID, MULTICALL3, PERMIT2 } from './addresses.ts';
import { ANVIL_COMMAND } from './anvil.ts';
import { borrowCode, type PlacedCode } from './borrowed-code.ts';
import { DEVNET_CHAIN, type Devnet, furnishedDevnet } from './devnet.ts';
import { DevnetError } from './devnet-error.ts';

/**
 * A development chain that runs elsewhere, with its contracts and funds in place. It is not ended with this process.
 */
export interface ExistingDevnet extends Devnet {
  /** Third-party contracts that neither the chain nor this machine has: features that need them do not work. */
  readonly lacking: readonly string[];
}

/** Enough for hours of transactions. */
const GAS_MONEY = 10_000n * 10n ** 18n;

/**
 * Uses an anvil that runs elsewhere, for machines that have none: places the same as {@link startDevnet}.
 *
 * A real chain is refused before anything is sent to it: only an anvil says that it is one.
 *
 * @throws {DevnetError} when nothing answers, or it is no anvil, or one of another chain id
 * @throws the signal's reason when the signal fires first
 */
export async function useDevnet(rpcUrl: string, signal: AbortSignal): Promise<ExistingDevnet> {
  signal.throwIfAborted();
  const client = clientOf(rpcUrl);
  await refuseOthers(rpcUrl);
  const { borrowed, lacking } = await missingCode(rpcUrl, signal);
  await client.impersonateAccount({ address: MINTER });
  await client.setBalance({ address: MINTER, value: GAS_MONEY });
  const running = { rpcUrl, gone: new Promise<void>(() => undefined), close: async () => undefined };
  const devnet = await furnishedDevnet(running, borrowed);
  await client.setBalance({ address: devnet.accounts.settler.address, value: GAS_MONEY });
  signal.throwIfAborted();
  return { ...devnet, lacking };
}

async function refuseOthers(rpcUrl: string): Promise<void> {
  const client = clientOf(rpcUrl);
  const [version, chainId] = await Promise.all([
    client.request<{ Method: 'web3_clientVersion'; Parameters?: undefined; ReturnType: unknown }>({
      method: 'web3_clientVersion',
    }),
    client.getChainId(),
  ]).catch((cause: unknown) => {
    throw new DevnetError(`No chain answers at ${originOf(rpcUrl)}.\nStart one there with:\n  ${ANVIL_COMMAND}`, {
      cause,
    });
  });
  if (typeof version !== 'string' || !version.startsWith('anvil/')) {
    throw new DevnetError(
      `The node at ${originOf(rpcUrl)} is no anvil, and nothing was sent to it.\n` +
        `  it says:  ${JSON.stringify(version).slice(0, 80)}\nStart one with:\n  ${ANVIL_COMMAND}`,
    );
  }
  if (chainId === DEVNET_CHAIN_ID) return;
  throw new DevnetError(
    `The chain at ${originOf(rpcUrl)} has the id ${chainId}; clients expect that of Base Sepolia, ${DEVNET_CHAIN_ID}.\n` +
      `Start one with:\n  ${ANVIL_COMMAND}`,
  );
}

/** Paths of RPC URLs may carry keys. */
function originOf(rpcUrl: string): string {
  return new URL(rpcUrl).origin;
}

async function missingCode(
  rpcUrl: string,
  signal: AbortSignal,
): Promise<{ readonly borrowed: readonly PlacedCode[]; readonly lacking: readonly string[] }> {
  const client = clientOf(rpcUrl);
  const contracts = [
    { name: 'Permit2', address: PERMIT2 },
    { name: 'Multicall3', address: MULTICALL3 },
  ];
  const codes = await Promise.all(contracts.map(({ address }) => client.getCode({ address })));
  const missing = contracts.filter((_, index) => codes[index] === undefined);
  if (missing.length === 0) return { borrowed: [], lacking: [] };
  try {
    const all = await borrowCode(signal);
    return { borrowed: all.filter(({ address }) => missing.some((one) => one.address === address)), lacking: [] };
  } catch (fault) {
    if (!(fault instanceof DevnetError)) throw fault;
    return { borrowed: [], lacking: missing.map(({ name }) => name) };
  }
}

/** viem's return type is long, so it is inferred. */
function clientOf(rpcUrl: string) {
  return createTestClient({ mode: 'anvil', chain: DEVNET_CHAIN, transport: http(rpcUrl) }).extend(publicActions);
}
