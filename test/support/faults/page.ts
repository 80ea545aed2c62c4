// Writes docs/fault-matrix.md from the stories that the fault matrix test plays: `node test/support/faults/page.ts`.
import { writeFileSync } from 'node:fs';
import {
  beforeAnswer,
  cellsOf,
  FACILITATOR_FAULTS,
  type FacilitatorFault,
  nameOf,
  SETTLE_MODES,
  UPSTREAM_FAULTS,
  witnessOf,
  wordsOf,
} from './cells.ts';
import { type Answer, type Standing, type Story, storyOf } from './story.ts';

const INTRODUCTION = `# Fault matrix

What becomes of a payment when the facilitator, the upstream or both go wrong, in every settle mode. \`test/integration/fault-matrix.test.ts\` plays
each combination with real money on a local EVM chain; where \`/verify\` has a part, with \`verify: always\`. On Solana
\`test/integration/fault-matrix-solana.test.ts\` plays what depends on the chain.

A row: the fault lasts while the buyer first sends the payment (**first answer**). In doubt it is sent again at once (**while in doubt**). The fault
ends, recovery does what it can (**at rest**: ledger and chain), and it is sent once more (**sent again**, **in the end**).

- "new offer": the answer states the price again, never while the money may have moved.
- "receipt" is \`PAYMENT-RESPONSE\`, for \`deferred\` at first without a transaction.
- "paid" is exactly one transfer of exactly the price, "unpaid" none.
- "dies mid-body": after the buyer has the head of the answer. A POST must not run twice, a GET may.
- "(node)": a node can be asked about the chain. "(\`rpc: off\`)": only the facilitator, which settles again what it had not; else the payment stays
  \`unknown\`.

`;

/** The text of `docs/fault-matrix.md`: faults that end alike share a table. */
export function faultMatrixMarkdown(): string {
  const alike = Map.groupBy(FACILITATOR_FAULTS, (fault) => rowsOf(fault).join('\n'));
  return INTRODUCTION + [...alike].map(([rows, faults]) => sectionOf(faults, rows)).join('\n');
}

const HEAD =
  '| upstream | settle | first answer | while in doubt | at rest | sent again | in the end |\n|---|---|---|---|---|---|---|';

function sectionOf(faults: readonly FacilitatorFault[], rows: string): string {
  return `## Facilitator ${headingOf(faults)}\n\n${HEAD}\n${rows}\n`;
}

/** The name of the one fault, or how many there are and a list of them. */
function headingOf(faults: readonly FacilitatorFault[]): string {
  const doubtful = faults.filter((fault) => fault.kind === 'doubt');
  if (doubtful.length < faults.length || faults.length === 1) return faults.map(nameOf).join('; ');
  const lines = Map.groupBy(doubtful, (fault) => `${beforeAnswer(fault)} (${witnessOf(fault)})`);
  const alike = Map.groupBy([...lines], ([, told]) => told.map(wordsOf).join('; '));
  const list = [...alike].map(([words, told]) => `- ${told.map(([before]) => before).join('; ')}: ${words}`);
  return `settle: one of ${faults.length} doubtful answers\n\n${list.join('\n')}`;
}

/** One row for all cells with one story, as long as they are every combination of some upstreams and some modes. */
function rowsOf(fault: FacilitatorFault): string[] {
  const byUpstream = UPSTREAM_FAULTS.map((upstream) => {
    const cells = cellsOf(fault).filter((cell) => cell.upstream === upstream);
    const groups = Map.groupBy(cells, (cell) => tellStory(storyOf(cell)));
    return { upstream, rows: [...groups].map(([story, told]) => ({ story, modes: told.map(({ settle }) => settle) })) };
  });
  const rows = byUpstream.flatMap(({ upstream, rows: told }) =>
    told.map(({ story, modes }) => ({
      upstream,
      modes: modes.length === SETTLE_MODES.length ? 'any' : modes.join(', '),
      story,
    })),
  );
  const merged = Map.groupBy(rows, ({ modes, story }) => `| ${modes} | ${story} |`);
  return [...merged].map(([rest, told]) => {
    const upstreams = told.map(({ upstream }) => upstream);
    return `| ${upstreams.length === UPSTREAM_FAULTS.length ? 'any' : upstreams.join(', ')} ${rest}`;
  });
}

function tellStory({ first, doubt, rest, again, end }: Story): string {
  const meanwhile = doubt === undefined ? '' : `${tellAnswer(doubt.answer)}; \`${doubt.state}\``;
  return [tellAnswer(first), meanwhile, tellStanding(rest), tellAnswer(again), tellStanding(end)].join(' | ');
}

function tellAnswer({ status, code, receipt, offer, whole }: Answer): string {
  const parts = [
    `${status}${code === undefined ? '' : ` \`${code}\``}`,
    ...(receipt === 'none' ? [] : [RECEIPTS[receipt]]),
    ...(offer ? ['new offer'] : []),
    ...(whole ? [] : ['broken off']),
  ];
  return parts.join(', ');
}

const RECEIPTS = {
  paid: 'receipt',
  promised: 'receipt without transaction',
  failed: 'receipt of the failure',
} as const;

function tellStanding({ state, paid }: Standing): string {
  return `${state === 'none' ? 'no row' : `\`${state}\``}, ${paid ? 'paid' : 'unpaid'}`;
}

if (import.meta.main) writeFileSync(new URL('../../../docs/fault-matrix.md', import.meta.url), faultMatrixMarkdown());
