import { encodeFunctionData, type Hex, parseAbi } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import type { Amount } from '../../src/domain/amount.ts';
import type { Payment } from '../../src/domain/payment.ts';
import { MULTICALL3 } from '../../src/evm/addresses.ts';
import { loadReadTools, readTransfer } from '../../src/facilitator/transfer-method/read-transfer.ts';
import { clientOf, type Devnet } from './devnet.ts';

/** A call of a contract. */
export interface RawCall {
  readonly to: Hex;
  readonly data: Hex;
}

/** The call that settles a payment, as it is sent without a wrapper. */
export async function settleCall(devnet: Devnet, payment: Payment, amount: Amount): Promise<RawCall> {
  const transfer = readTransfer(payment, amount, devnet.chainId, await loadReadTools());
  if (transfer === undefined) throw new Error('the payment cannot be read');
  return transfer.settling.call();
}

const ABI = parseAbi([
  'function aggregate3((address target, bool allowFailure, bytes callData)[] calls) payable returns ((bool, bytes)[])',
]);

/** Makes calls in one transaction, through Multicall3; each may fail without the others. */
export async function sendThroughMulticall(devnet: Devnet, calls: readonly RawCall[]): Promise<Hex> {
  const items = calls.map(({ to, data }) => ({ target: to, allowFailure: true, callData: data }));
  return await send(devnet, { to: MULTICALL3, data: encodeFunctionData({ abi: ABI, args: [items] }) });
}

/** Makes a call through a contract that has it in its code: the transaction's own calldata is empty. */
export async function sendHidden(devnet: Devnet, call: RawCall): Promise<Hex> {
  const at: Hex = '0x00000000000000000000000000000000000c0de1';
  const bytes = call.data.slice(2);
  const size = (bytes.length / 2).toString(16).padStart(4, '0');
  // CODECOPY of what follows the code (44 bytes), then CALL with it.
  const code = `61${size}61002c600039` + `6000600061${size}6000600073${call.to.slice(2)}5af100`;
  await clientOf(devnet).setCode({ address: at, bytecode: `0x${code}${bytes}` });
  return await send(devnet, { to: at, data: '0x' });
}

/** Sends a call from the settler's account. */
export async function send(devnet: Devnet, { to, data }: RawCall): Promise<Hex> {
  const account = privateKeyToAccount(devnet.accounts.settler.key);
  const sent = await clientOf(devnet).sendTransactionSync({ account, to, data, gas: 2_000_000n });
  if (sent.status !== 'success') throw new Error('the transaction reverted');
  return sent.transactionHash;
}
