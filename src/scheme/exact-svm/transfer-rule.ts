import type { Offer } from '../../domain/offer.ts';
import { withoutGuards } from '../../svm/guards.ts';
import { MEMO_PROGRAM } from '../../svm/memo.ts';
import { associatedTokenAccount } from '../../svm/token-account.ts';
import { readTransfer, type TokenTransfer } from '../../svm/token-transfer.ts';
import type { Instruction, Transaction } from '../../svm/transaction.ts';

const COMPUTE_BUDGET_PROGRAM = 'ComputeBudget111111111111111111111111111111';

const SET_COMPUTE_UNIT_LIMIT = 2;
const SET_COMPUTE_UNIT_PRICE = 3;
/** In millionths of a lamport; what the official facilitator pays at most. */
const MOST_COMPUTE_UNIT_PRICE = 5_000_000n;
/** The budget's two, the transfer, the memo, and the four guards that Phantom adds. */
const MOST_INSTRUCTIONS = 8;
/** Without guards. */
const MOST_OF_PAYMENT = 7;
/** Token accounts that are remembered: a plan pays a handful of accounts in a handful of tokens. */
const MOST_REMEMBERED = 4096;

/** Of instructions after the transfer, by their place among those that are no guards. */
const UNKNOWN = [
  'invalid_exact_svm_payload_unknown_fourth_instruction',
  'invalid_exact_svm_payload_unknown_fifth_instruction',
  'invalid_exact_svm_payload_unknown_sixth_instruction',
  'invalid_exact_svm_payload_unknown_seventh_instruction',
];

/** What a payment moves, when it moves what an offer asks for. */
export interface Transfer {
  /** The account that the money comes from. */
  readonly authority: string;
}

/** Compares transactions with offers. It remembers the token accounts of payees, which take a while to derive. */
export class TransferRule {
  readonly #accounts = new Map<string, string>();

  /** The transfer of a transaction that pays `offer`, or the specification's reason why it does not. */
  read({ instructions, signers }: Transaction, offer: Offer): Transfer | string {
    const own = withoutGuards(instructions);
    if (own.length < 3 || own.length > MOST_OF_PAYMENT || instructions.length > MOST_INSTRUCTIONS) {
      return 'invalid_exact_svm_payload_transaction_instructions_length';
    }
    const [limit, price, transfer, ...others] = own;
    if (!isBudget(limit, SET_COMPUTE_UNIT_LIMIT, 5)) {
      return 'invalid_exact_svm_payload_transaction_instructions_compute_limit_instruction';
    }
    if (!isBudget(price, SET_COMPUTE_UNIT_PRICE, 9)) {
      return 'invalid_exact_svm_payload_transaction_instructions_compute_price_instruction';
    }
    if (price.data.readBigUInt64LE(1) > MOST_COMPUTE_UNIT_PRICE) {
      return 'invalid_exact_svm_payload_transaction_instructions_compute_price_instruction_too_high';
    }
    const moved = readTransfer(transfer, signers);
    if (moved === undefined) return 'invalid_exact_svm_payload_no_transfer_instruction';
    return this.#differs(moved, offer) ?? unknownAmong(others) ?? { authority: moved.authority };
  }

  #differs(moved: TokenTransfer, offer: Offer): string | undefined {
    if (moved.mint !== offer.asset.address) return 'invalid_exact_svm_payload_mint_mismatch';
    if (moved.destination !== this.#accountOf(offer, moved.program)) {
      return 'invalid_exact_svm_payload_recipient_mismatch';
    }
    return moved.amount === offer.amount && moved.decimals === offer.asset.decimals
      ? undefined
      : 'invalid_exact_svm_payload_amount_mismatch';
  }

  #accountOf({ payTo, asset }: Offer, program: string): string {
    const key = `${payTo} ${asset.address} ${program}`;
    const known = this.#accounts.get(key) ?? associatedTokenAccount(payTo, asset.address, program);
    if (this.#accounts.size >= MOST_REMEMBERED) this.#accounts.clear();
    this.#accounts.set(key, known);
    return known;
  }
}

function isBudget(instruction: Instruction | undefined, kind: number, bytes: number): instruction is Instruction {
  return (
    instruction?.program === COMPUTE_BUDGET_PROGRAM && instruction.data.length === bytes && instruction.data[0] === kind
  );
}

function unknownAmong(others: readonly Instruction[]): string | undefined {
  const index = others.findIndex(({ program }) => program !== MEMO_PROGRAM);
  return UNKNOWN[index];
}
