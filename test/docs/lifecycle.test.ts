import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../src/domain/gateway-error.ts';
import { isClaimable, PAYMENT_TRANSITIONS, type PaymentState } from '../../src/domain/payment-state.ts';
import {
  columnOf,
  namesIn,
  readRepositoryFile,
  repositoryPath,
  rowsOf,
  sourceTextBelow,
} from '../support/docs/markdown.ts';

const PAGE = 'docs/lifecycle.md';
const page = readRepositoryFile(PAGE);
const exits = rowsOf(PAGE, 'stage', 'code');
const stages = rowsOf(PAGE, 'stage', 'does');
const states: readonly string[] = Object.keys(PAYMENT_TRANSITIONS);
/** The story in the comment of `serve`, which may be broken over several lines. */
const line = /`(accept →[^`]*)`/.exec(readRepositoryFile('src/pipeline/serve.ts'))?.[1]?.replace(/\n \* /g, ' ') ?? '';

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
    const thrown = new Set(named.filter((name) => Object.hasOwn(ERROR_CODES, name)));
    expect(thrown.size).toBeGreaterThan(10);
    const documented = columnOf(exits, 'code');
    expect([...thrown].filter((code) => !documented.includes(code))).toEqual([]);
  });

  it('lists an exit for every public error code, with its status, and no exit twice', () => {
    const documented = columnOf(exits, 'code');
    expect([...new Set(documented)].sort()).toEqual(Object.keys(ERROR_CODES).sort());
    const statuses = new Map(Object.entries(ERROR_CODES).map(([code, { status }]) => [code, String(status)]));
    expect(columnOf(exits, 'status')).toEqual(documented.map((code) => statuses.get(code)));
    const places = exits.map((row) => `${row['stage']} ${row['code']}`);
    expect(places).toHaveLength(new Set(places).size);
  });

  it('puts every exit at a stage of the line, in the order of the line', () => {
    const order = columnOf(stages, 'stage');
    const places = columnOf(exits, 'stage').map((stage) => order.indexOf(stage));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  it('promises a new offer on exactly the exits whose code states the price again', () => {
    const rules = new Map(
      Object.entries(ERROR_CODES).map(([code, { offersAgain }]) => [code, offersAgain ? 'yes' : 'no']),
    );
    expect(exits.map((row) => row['new offer'])).toEqual(columnOf(exits, 'code').map((code) => rules.get(code)));
  });

  it('promises no new offer on any exit that leaves money moved, asked for or in doubt', () => {
    const offers = exits.filter((row) => row['new offer'] === 'yes');
    expect(offers.length).toBeGreaterThan(3);
    const wrong = offers.filter((row) => row['payment'] !== 'none' && !namesIn(row['payment']).every(isUnpaid));
    expect(wrong).toEqual([]);
    expect(offers.filter((row) => row['payment'] === 'as it is')).toEqual([]);
    expect(exits.flatMap((row) => namesIn(row['payment'])).filter((state) => !states.includes(state))).toEqual([]);
  });

  it('knows every way in which a request ends in the log', () => {
    const union = /type RequestOutcome =([^;]*);/.exec(readRepositoryFile('src/observe/observer.ts'))?.[1] ?? '';
    const outcomes = [...union.matchAll(/'([a-z_]+)'/g)].map(([, name]) => name);
    expect(outcomes.length).toBeGreaterThan(0);
    expect(columnOf(rowsOf(PAGE, 'outcome', 'answer'), 'outcome')).toEqual(outcomes);
  });

  it('describes every payment state, what a crash in it means, and draws it', () => {
    expect(columnOf(rowsOf(PAGE, 'state', 'the money'), 'state')).toEqual(states);
    const crashes = columnOf(rowsOf(PAGE, 'the row says', 'what may have happened'), 'the row says');
    expect(crashes).toEqual(['nothing', ...crashes.slice(1)]);
    expect(crashes.slice(1).sort()).toEqual([...states].sort());
    const diagram = /```\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
    expect(states.filter((state) => !new RegExp(`\\b${state}\\b`).test(diagram))).toEqual([]);
  });

  it('lists exactly the steps that the state machine allows', () => {
    const documented = rowsOf(PAGE, 'from', 'to').map((row) => `${row['from']} ${row['to']}`.replaceAll('`', ''));
    const legal = Object.entries(PAYMENT_TRANSITIONS).flatMap(([from, targets]) =>
      targets.map((to) => `${from} ${to}`),
    );
    expect(documented.sort()).toEqual(legal.sort());
  });
});
