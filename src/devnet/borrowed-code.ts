import { createPublicClient, type Hex, http, keccak256 } from 'viem';
import { type Address, MULTICALL3, PERMIT2 } from './addresses.ts';
import { startAnvil } from './anvil.ts';
import { DevnetError } from './devnet-error.ts';

/** A third-party contract that payments need, and the hash of its code on public chains. */
interface BorrowedContract {
  readonly name: string;
  readonly address: Address;
  readonly codeHash: Hex;
}

const BORROWED: readonly BorrowedContract[] = [
  {
    name: 'Permit2',
    address: PERMIT2,
    codeHash: '0x463331fa7a0d5f07488e42c37b461bb56a822145c161a821fbafe7d4e916b546',
  },
  {
    name: 'Multicall3',
    address: MULTICALL3,
    codeHash: '0xd5c15df687b16f2ff992fc8d767b4216323184a2bbc6ee2f9c398c318e770891',
  },
];

/** Code and where it belongs. */
export interface PlacedCode {
  readonly address: Address;
  readonly code: Hex;
}

/**
 * Gets the code of Permit2 and Multicall3, which is not ours to ship, out of the genesis of a throw-away anvil.
 *
 * @throws {DevnetError} when it is not the code that public chains have
 */
export async function borrowCode(signal?: AbortSignal): Promise<readonly PlacedCode[]> {
  const anvil = await startAnvil({ args: ['--network', 'tempo', '--prune-history'], port: 0, signal });
  try {
    const client = createPublicClient({ transport: http(anvil.rpcUrl) });
    return await Promise.all(
      BORROWED.map(async ({ name, address, codeHash }) => {
        const code = await client.getCode({ address });
        if (code === undefined || keccak256(code) !== codeHash) {
          throw new DevnetError(`The installed anvil has another ${name} than public chains.\nInstall version 1.7.1.`);
        }
        return { address, code };
      }),
    );
  } finally {
    await anvil.close();
  }
}
