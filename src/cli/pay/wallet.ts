import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts';
import { UsageError } from '../exit.ts';
import type { Terminal } from '../terminal.ts';

const PRIVATE_KEY = /^(?:0x)?([0-9a-fA-F]{64})$/;

/**
 * Opens the account whose key is in an environment variable; `undefined` when the variable is not set.
 *
 * @throws UsageError when it holds no key; the message does not repeat it
 */
export function openWallet(terminal: Terminal, variable: string): PrivateKeyAccount | undefined {
  const text = terminal.env[variable];
  if (text === undefined || text === '') return undefined;
  const digits = PRIVATE_KEY.exec(text.trim())?.[1];
  const wrong = new UsageError(`${variable} does not hold a private key; right is 0x and 64 hex digits`);
  if (digits === undefined) throw wrong;
  try {
    return privateKeyToAccount(`0x${digits}`);
  } catch {
    // Zero, or beyond the curve's order. The library's own message may hold the number.
    throw wrong;
  }
}
