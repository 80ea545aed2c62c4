import type { x402Client } from '@x402/core/client';
import { registerExactEvmScheme } from '@x402/evm/exact/client';
import { UptoEvmScheme } from '@x402/evm/upto/client';
import type { PrivateKeyAccount } from 'viem/accounts';

/** Lets the official client pay by every scheme of EVM chains that this gateway sells by. */
export function registerEvmSchemes(client: x402Client, signer: PrivateKeyAccount): x402Client {
  return registerExactEvmScheme(client, { signer }).register('eip155:*', new UptoEvmScheme(signer));
}
