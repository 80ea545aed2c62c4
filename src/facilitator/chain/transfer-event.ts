import { encodeEventTopics } from 'viem';
import { transferEvent } from '../../evm/abi.ts';
import type { Hex } from '../../evm/address.ts';
import type { TransferFacts } from '../transfer-method/transfer-facts.ts';
import type { EventLog } from './rpc-answer.ts';

const [TRANSFER_TOPIC] = encodeEventTopics({ abi: [transferEvent] });

/** Whether an event is `Transfer` of ERC-20, of whatever token. */
export function isTransferEvent({ topics }: EventLog): boolean {
  return topics.length === 3 && topics[0] === TRANSFER_TOPIC;
}

/** Whether an event of the payment's token says that exactly the payment's amount went from the payer to `payTo`. */
export function isTransfer(
  log: EventLog,
  { payer, payTo, amount }: Pick<TransferFacts, 'payer' | 'payTo' | 'amount'>,
): boolean {
  const [, from, to] = log.topics;
  if (!isTransferEvent(log) || from !== word(payer) || to !== word(payTo)) return false;
  return log.data.length === 66 && BigInt(log.data) === amount;
}

/** An address or an amount as a word of the chain, 32 bytes. */
export function word(value: Hex | bigint): Hex {
  const digits = typeof value === 'bigint' ? value.toString(16) : value.slice(2);
  return `0x${digits.padStart(64, '0')}`;
}
