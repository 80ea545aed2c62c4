import { fromBase58 } from '../../svm/base58.ts';
import { KEY_BYTES, SIGNATURE_BYTES } from '../../svm/public-key.ts';
import { CommandFailure, UsageError } from '../exit.ts';
import type { Terminal } from '../terminal.ts';
import type { OtherWallet } from './other-wallet.ts';

/** Packages that are not among the dependencies: a gateway does not need them, and they are larger than the rest. */
const PACKAGES = '@x402/svm @solana/kit';

/**
 * Opens the account whose key is in an environment variable; `undefined` when the variable is not set. Loads the official
 * client for Solana, which is an optional peer dependency.
 *
 * @param rpcUrl the node that is asked for the mint and a blockhash; default: the public one of the network
 * @param load gets the official client
 * @throws UsageError when the variable holds no key, which the message does not repeat
 * @throws CommandFailure when the client is not installed
 */
export async function openSolanaWallet(
  terminal: Terminal,
  variable: string,
  rpcUrl: string | undefined,
  load: () => Promise<OfficialClient> = importClient,
): Promise<OtherWallet | undefined> {
  const text = terminal.env[variable]?.trim();
  if (text === undefined || text === '') return undefined;
  const key = readKey(text);
  if (key === undefined) {
    throw new UsageError(
      `${variable} does not hold a private key of Solana; right is 64 bytes in base58, or as the JSON array of a key file`,
    );
  }
  const { createKeyPairSignerFromBytes, ExactSvmScheme } = await loadClient(load);
  try {
    const signer = await createKeyPairSignerFromBytes(key);
    const scheme = new ExactSvmScheme(signer, rpcUrl === undefined ? undefined : { rpcUrl });
    return { family: 'solana', address: signer.address, scheme };
  } catch {
    // The library's own message may hold the bytes.
    throw new UsageError(`${variable} holds a key whose two halves do not belong together`);
  }
}

/** 64 bytes: the private key and the public one. */
function readKey(text: string): Uint8Array | undefined {
  if (!text.startsWith('[')) return fromBase58(text, KEY_BYTES + KEY_BYTES);
  try {
    const bytes: unknown = JSON.parse(text);
    const isKey =
      Array.isArray(bytes) && bytes.length === SIGNATURE_BYTES && bytes.every((byte: unknown) => isByte(byte));
    return isKey ? Uint8Array.from(bytes) : undefined;
  } catch {
    return undefined;
  }
}

function isByte(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 256;
}

/** The parts of the official client that are needed. */
export type OfficialClient = Pick<typeof import('@solana/kit'), 'createKeyPairSignerFromBytes'> &
  Pick<typeof import('@x402/svm/exact/client'), 'ExactSvmScheme'>;

async function importClient(): Promise<OfficialClient> {
  const [{ createKeyPairSignerFromBytes }, { ExactSvmScheme }] = await Promise.all([
    import('@solana/kit'),
    import('@x402/svm/exact/client'),
  ]);
  return { createKeyPairSignerFromBytes, ExactSvmScheme };
}

async function loadClient(load: () => Promise<OfficialClient>): Promise<OfficialClient> {
  try {
    return await load();
  } catch (fault) {
    if (!(fault instanceof Error && 'code' in fault && fault.code === 'ERR_MODULE_NOT_FOUND')) throw fault;
    throw new CommandFailure(
      `to pay on Solana, the official client has to be installed beside turnpike-gateway\n  it needs: ${PACKAGES}\nrun npm install ${PACKAGES}, with -g where turnpike was installed with it`,
    );
  }
}
