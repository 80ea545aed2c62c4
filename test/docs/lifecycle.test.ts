import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES, type ErrorCode } from '../../src/domain/gateway-error.ts';
import { isClaimable, PAYMENT_TRANSITIONS, type PaymentState } from '../../src/domain/payment-state.ts';
import {
  columnOf,
  namesIn,
  readRepositoryFile,
  repositoryPath,
  rowsOf,
  sourceTextBelow,
  type TableRow,
} from '../support/docs/markdown.ts';

const PAGE = 'docs/lifecycle.md';
const page = readRepositoryFile(PAGE);
const exits = rowsOf(PAGE, 'stage', 'payment', 'code');
const stages = rowsOf(PAGE, 'stage', 'does');
const states: readonly string[] = Object.keys(PAYMENT_TRANSITIONS);
/** The story in the comment of `serve`, which may be broken over several lines. */
const line = /`(accept →[^`]*)`/.exec(readRepositoryFile('src/pipeline/serve.ts'))?.[1]?.replace(/\n \* /g, ' ') ?? '';

function isCode(name: string): name is ErrorCode {
  return Object.hasOwn(ERROR_CODES, name);
}

/** The codes of an exit; states stand beside some of them. */
function codesOf(row: TableRow): ErrorCode[] {
  return namesIn(row['code']).filter(isCode);
}

/** The states in which an exit leaves the payment. */
function statesOf(row: TableRow): string[] {
  return namesIn(row['payment']);
}

/** Whether the money did not move, and is not being moved, in a state. */
function isUnpaid(state: string): boolean {
  return state === 'forwarding' || isClaimable(state as PaymentState);
}

describe('docs/lifecycle.md', () => {
  it('draws the line that the pipeline follows, and describes each of its stages in order', () => {
    expect(line).toContain('claim');
    expect(page).toContain(`    ${line}\n`);
    expect(columnOf(stages, 'stage')).toEqual(line.replace(/[[\]]/g, '').split(' → '));
  });

  it('names files that exist for every stage', () => {
    const files = stages.flatMap((row) => namesIn(row['file']));
    expect(files.length).toBeGreaterThan(stages.length);
    expect(files.filter((file) => !existsSync(repositoryPath(file)))).toEqual([]);
  });

  it('lists an exit for every error code that the pipeline names', () => {
    const named = [...sourceTextBelow('src/pipeline').matchAll(/['`]([a-z0-9_]+)['`]/g)].map(([, name = '']) => name);
    const thrown = new Set(named.filter(isCode));
    expect(thrown.size).toBeGreaterThan(10);
    const documented = exits.flatMap(codesOf);
    expect([...thrown].filter((code) => !documented.includes(code))).toEqual([]);
  });

  it('lists an exit for every public error code, and no exit twice', () => {
    expect([...new Set(exits.flatMap(codesOf))].sort()).toEqual(Object.keys(ERROR_CODES).sort());
    const places = exits.flatMap((row) => codesOf(row).map((code) => `${row['stage']} ${row['payment']} ${code}`));
    expect(places).toHaveLength(new Set(places).size);
  });

  it('puts every exit at a stage of the line, in the order of the line', () => {
    const order = columnOf(stages, 'stage');
    const places = columnOf(exits, 'stage').map((stage) => order.indexOf(stage));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  it('leaves no payment that moved, was asked for or is in doubt at an exit that states the price again', () => {
    const offers = exits.filter((row) => codesOf(row).some((code) => ERROR_CODES[code].offersAgain));
    expect(offers.length).toBeGreaterThan(3);
    const wrong = offers.filter((row) => row['payment'] !== 'none' && !statesOf(row).every(isUnpaid));
    expect(wrong).toEqual([]);
    expect(offers.filter((row) => row['payment']?.includes('as it is'))).toEqual([]);
    expect(exits.flatMap(statesOf).filter((state) => !states.includes(state))).toEqual([]);
  });

  it('knows every way in which a request ends in the log', () => {
    const union = /type RequestOutcome =([^;]*);/.exec(readRepositoryFile('src/observe/observer.ts'))?.[1] ?? '';
    const outcomes = [...union.matchAll(/'([a-z_]+)'/g)].map(([, name]) => name);
    expect(outcomes.length).toBeGreaterThan(0);
    expect(columnOf(rowsOf(PAGE, 'outcome', 'answer'), 'outcome')).toEqual(outcomes);
  });

  it('describes every payment state, and what a crash in it means', () => {
    expect(columnOf(rowsOf(PAGE, 'state', 'the money'), 'state').sort()).toEqual([...states].sort());
    const crashes = rowsOf(PAGE, 'the row says', 'recovery makes it');
    expect(crashes[0]?.['the row says']).toBe('nothing');
    expect(crashes.flatMap((row) => namesIn(row['the row says'])).sort()).toEqual([...states].sort());
  });

  it('lists exactly the steps that the state machine allows', () => {
    const documented = rowsOf(PAGE, 'from', 'to').flatMap((row) =>
      namesIn(row['from']).flatMap((from) => namesIn(row['to']).map((to) => `${from} ${to}`)),
    );
    const legal = Object.entries(PAYMENT_TRANSITIONS).flatMap(([from, targets]) =>
      targets.map((to) => `${from} ${to}`),
    );
    expect(documented.sort()).toEqual(legal.sort());
  });
});
