import type { SettleMode } from '../../../src/domain/route-price.ts';

/** How a call to a facilitator can go wrong without an answer that counts. */
export type Breakage = '500' | 'garbage' | 'hangs' | 'dies mid-answer';

/** Answers to `/settle` that speak the protocol, say that it failed, and do not say that nothing was sent. */
export type Excuse =
  | '500 with a body'
  | '502 with a body'
  | '504 with a body'
  | 'failed, without a transaction'
  | 'failed, with a transaction'
  | 'refused after sending'
  | 'node broken';

/** What is wrong with the facilitator for as long as a cell's fault lasts. */
export type FacilitatorFault =
  | { readonly kind: 'none' }
  | { readonly kind: 'verify'; readonly how: 'refuses' | Breakage }
  /** `gone`: it went after it verified, and connections are refused. */
  | { readonly kind: 'settle'; readonly how: 'refuses' | 'gone' }
  /** An answer to `/settle` that says nothing of the money. */
  | {
      readonly kind: 'doubt';
      readonly how: Breakage | Excuse;
      /** Whether the money moved before it went wrong. */
      readonly moved: boolean;
      /** Who is asked what became of the money: the facilitator itself (`rpc: off`), or a node of the chain. */
      readonly witness: 'itself' | 'chain';
    };

/** What is wrong with the upstream for as long as a cell's fault lasts; the last is a call that must not run twice. */
export type UpstreamFault = 'fine' | '500' | 'dead' | 'dies mid-body' | 'dies mid-body of a POST';

/** One combination of faults. All end before the same payment is sent for the last time. */
export interface Cell {
  readonly facilitator: FacilitatorFault;
  readonly upstream: UpstreamFault;
  readonly settle: SettleMode;
}

/** Every settle mode. */
export const SETTLE_MODES: readonly SettleMode[] = ['after', 'before', 'deferred'];

/** Every fault of the upstream. */
export const UPSTREAM_FAULTS: readonly UpstreamFault[] = [
  'fine',
  '500',
  'dead',
  'dies mid-body',
  'dies mid-body of a POST',
];

const BREAKAGES: readonly Breakage[] = ['500', 'garbage', 'hangs', 'dies mid-answer'];

const EXCUSES: readonly Excuse[] = [
  '500 with a body',
  '502 with a body',
  '504 with a body',
  'failed, without a transaction',
  'failed, with a transaction',
  'refused after sending',
  'node broken',
];

/** Those that are about something which was sent. */
const AFTER_SENDING: ReadonlySet<Breakage | Excuse> = new Set<Excuse>([
  'failed, with a transaction',
  'refused after sending',
  'node broken',
]);

/** Every fault of the facilitator, in the order of the page. */
export const FACILITATOR_FAULTS: readonly FacilitatorFault[] = [
  { kind: 'none' },
  { kind: 'verify', how: 'refuses' },
  ...BREAKAGES.map((how) => ({ kind: 'verify', how }) as const),
  { kind: 'settle', how: 'refuses' },
  { kind: 'settle', how: 'gone' },
  ...[false, true].flatMap((moved) =>
    (['itself', 'chain'] as const).flatMap((witness) =>
      [...BREAKAGES, ...EXCUSES.filter((how) => moved || !AFTER_SENDING.has(how))].map(
        (how) => ({ kind: 'doubt', how, moved, witness }) as const,
      ),
    ),
  ),
];

const ON_SOLANA: ReadonlySet<string> = new Set<Breakage | Excuse | 'refuses'>([
  'refuses',
  '500',
  'failed, without a transaction',
  'failed, with a transaction',
  'refused after sending',
]);

/**
 * Those that are played on Solana as well, with a node there: what differs from one chain to another is who proves that
 * money moved or did not, and what a second try of a settlement does. Of answers that leave the same doubt, one is enough.
 */
export const SOLANA_FAULTS: readonly FacilitatorFault[] = FACILITATOR_FAULTS.filter(
  (fault) =>
    fault.kind === 'none' ||
    (fault.kind === 'settle' && ON_SOLANA.has(fault.how)) ||
    (fault.kind === 'doubt' && fault.witness === 'chain' && ON_SOLANA.has(fault.how)),
);

/** The cells of one facilitator: every upstream with every settle mode. */
export function cellsOf(facilitator: FacilitatorFault): Cell[] {
  return SETTLE_MODES.flatMap((settle) => UPSTREAM_FAULTS.map((upstream) => ({ facilitator, upstream, settle })));
}

/** A fault of the facilitator in words, for the page and the names of tests. */
export function nameOf(fault: FacilitatorFault): string {
  switch (fault.kind) {
    case 'none':
      return 'answers';
    case 'verify':
    case 'settle':
      return `${fault.kind}: ${WORDS[fault.how]}`;
    case 'doubt':
      return `settle: ${beforeAnswer(fault)} ${wordsOf(fault)} (${witnessOf(fault)})`;
  }
}

/** An answer to `/settle` that leaves the money in doubt. */
export type DoubtfulAnswer = Extract<FacilitatorFault, { kind: 'doubt' }>;

/** What a facilitator did before it gave a doubtful answer. */
export function beforeAnswer({ moved }: DoubtfulAnswer): string {
  return moved ? 'settles, then' : 'does nothing, then';
}

/** A doubtful answer in words. */
export function wordsOf({ how }: DoubtfulAnswer): string {
  return WORDS[how];
}

/** Whether a node may be asked, as the page names it. */
export function witnessOf({ witness }: DoubtfulAnswer): string {
  return witness === 'chain' ? 'node' : '`rpc: off`';
}

const WORDS: Readonly<Record<Breakage | Excuse | 'refuses' | 'gone', string>> = {
  refuses: 'refuses',
  gone: 'refuses the connection',
  '500 with a body': 'answers 500 with `success: false` (`internal_error`)',
  '502 with a body': 'answers 502 with `success: false` (`insufficient_funds`)',
  '504 with a body': 'answers 504 with `success: false` (`internal_error`)',
  'failed, without a transaction': 'says `invalid_exact_evm_transaction_failed` without a transaction',
  'failed, with a transaction': 'says `invalid_exact_evm_transaction_failed` with a transaction',
  'refused after sending': 'refuses what it has sent (`invalid_exact_evm_nonce_already_used`)',
  'node broken': 'says that its node broke (`fetch failed`, with the URL)',
  '500': 'answers 500',
  garbage: 'talks garbage',
  hangs: 'never answers',
  'dies mid-answer': 'dies mid-answer',
};
