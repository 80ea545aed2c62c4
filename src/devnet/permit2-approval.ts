import { type Hex, maxUint256, parseAbi } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { type Address, PERMIT2, USDC } from './addresses.ts';
import { clientFor } from './devnet.ts';

const APPROVE_ABI = parseAbi(['function approve(address spender, uint256 value) returns (bool)']);

/** Pays for the gas of one approval. */
const GAS_MONEY = 10n ** 18n;

/**
 * Lets Permit2 take any amount of a token from an account of a development chain, as a buyer does once before metered
 * prices. The account gets ether for it by decree and has what it had afterwards. It must send nothing else meanwhile.
 *
 * @param key of the account, which is a plain one
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
