import { decodePaymentResponseHeader } from '@x402/core/http';
import { ERROR_CODES, type ErrorCode } from '../../../src/domain/gateway-error.ts';
import type { PaymentRecord } from '../../../src/domain/payment-record.ts';
import type { PaymentState } from '../../../src/domain/payment-state.ts';
import { challengeOf } from '../buyer.ts';
import type { Requirement } from '../payment-header.ts';
import { WHOLE_ANSWER } from './faulty-upstream.ts';
import type { Payer } from './money.ts';
import { PRICE, type Scene, type Stage } from './scene.ts';
import { type Answer, type Standing, type Story, storyOf } from './story.ts';

/** What a payer has in the beginning: enough that a second charge would show. */
const FUNDS = 5n * PRICE;
/** Longest wait for a payment to come to rest, in milliseconds: looks into a payment in doubt grow rarer. */
const REST_MS = 75_000;

/** A stage with a payment for it. */
interface Act extends Stage {
  readonly payer: string;
  readonly header: string;
}

/** Plays all stages of a scene at once, and tells what became of each. */
export async function playScene(scene: Scene): Promise<ReadonlyMap<Stage, Story>> {
  const payers = await Promise.all(scene.stages.map(() => scene.money.newPayer(FUNDS)));
  const acts = await Promise.all(scene.stages.map((stage, index) => prepare(scene, stage, payers[index])));
  const firsts = await Promise.all(acts.map((act) => pay(scene, act)));
  const doubts = await Promise.all(acts.map((act) => meanwhile(scene, act)));
  await scene.facilitator.settled();
  await Promise.all([scene.facilitator.recover(), scene.upstream.recover()]);
  scene.letTimePass();
  const stories = await Promise.all(
    acts.map(async (act, index): Promise<[Stage, Story]> => {
      const [first, doubt] = [firsts[index], doubts[index]];
      if (first === undefined) throw new Error('an act without its first answer');
      const rest = await standing(scene, act, storyOf(act.cell).rest.state);
      const again = await pay(scene, act);
      return [
        stageIn(scene, act),
        { first, doubt, rest, again, end: await standing(scene, act, storyOf(act.cell).end.state) },
      ];
    }),
  );
  return new Map(stories);
}

function stageIn({ stages }: Scene, { route }: Act): Stage {
  const stage = stages.find((each) => each.route === route);
  if (stage === undefined) throw new Error(`no stage ${route}`);
  return stage;
}

async function prepare({ gateway }: Scene, stage: Stage, payer: Payer | undefined): Promise<Act> {
  const [requirements] = challengeOf(await fetch(gateway.url + stage.path)).accepts;
  if (requirements === undefined || payer === undefined) throw new Error(`nothing to pay for at ${stage.route}`);
  return { ...stage, payer: payer.address, header: await payer.sign(requirements as unknown as Requirement) };
}

/** Sends the payment, and lets an upstream that dies do so when the head of its answer has arrived. */
async function pay({ gateway, upstream }: Scene, { cell, path, header }: Act): Promise<Answer> {
  const unsafe = cell.upstream === 'dies mid-body of a POST';
  const request = unsafe ? { method: 'POST', body: '{"order":1}' } : {};
  const response = await fetch(gateway.url + path, { ...request, headers: { 'PAYMENT-SIGNATURE': header } });
  if (response.status === 200) upstream.die(path);
  const body = await response.text().catch(() => undefined);
  return {
    status: response.status,
    code: codeOf(response, body),
    receipt: receiptOf(response),
    offer: response.headers.has('payment-required'),
    retryAfter: response.headers.has('retry-after'),
    whole: body !== undefined && (response.status !== 200 || body === WHOLE_ANSWER),
  };
}

function codeOf(response: Response, body: string | undefined): ErrorCode | undefined {
  const type = response.headers.get('content-type');
  if (type === 'application/problem+json') return codeIn(JSON.parse(body ?? '').code);
  // A 402 is written for v1 clients, whose body has no code: what failed is told by the receipt.
  if (response.status !== 402) return undefined;
  return response.headers.has('payment-response') ? 'settlement_failed' : 'payment_refused';
}

function codeIn(text: string): ErrorCode {
  for (const code of Object.keys(ERROR_CODES)) if (code === text) return code as ErrorCode;
  throw new Error(`an error code that is none: ${text}`);
}

function receiptOf(response: Response): Answer['receipt'] {
  const header = response.headers.get('payment-response');
  if (header === null) return 'none';
  const { success, transaction } = decodePaymentResponseHeader(header);
  if (!success) return 'failed';
  return transaction === '' ? 'promised' : 'paid';
}

/** What the same payment gets while nobody knows more, where that is so. */
async function meanwhile(scene: Scene, act: Act): Promise<Story['doubt']> {
  const { doubt, rest } = storyOf(act.cell);
  // What was answered on credit is asked for in the background: while the fault lasts, too.
  if (doubt === undefined) {
    if (rest.state !== 'none') await reached(scene, act, (states) => states.at(-1) === rest.state);
    return undefined;
  }
  await reached(scene, act, (states) => states.includes('settling') && states.at(-1) === doubt.state);
  const row = await scene.watched.rowOf(act.route);
  if (row === undefined) return undefined;
  return { state: row.state, answer: await pay(scene, act) };
}

/** Waits for a state, and says which one it is and what the chain shows. */
async function standing(scene: Scene, act: Act, state: Standing['state']): Promise<Standing> {
  const { money, watched } = scene;
  // To stay in doubt means to have been looked into in vain.
  const enough = (states: readonly PaymentState[]): boolean =>
    states.at(-1) === state && (state !== 'unknown' || states.at(-2) === 'unknown');
  const row = state === 'none' ? await watched.rowOf(act.route) : await rowIn(scene, act, state, enough);
  const [payee, payer] = await Promise.all([money.balanceOf(act.payTo), money.balanceOf(act.payer)]);
  const paid = payee === PRICE && payer === FUNDS - PRICE;
  const unpaid = payee === 0n && payer === FUNDS;
  if (!paid && !unpaid) throw new Error(`${act.route}: the payee has ${payee}, the payer ${payer}`);
  if (row?.settlement !== undefined && !paid)
    throw new Error(`${act.route}: a settlement that the chain does not show`);
  return { state: row?.state ?? 'none', paid };
}

/**
 * The row in a state, once its states are enough. It is read again when it moved on meanwhile: a debt is asked for, and
 * a doubt looked into, more than once.
 */
async function rowIn(
  scene: Scene,
  act: Act,
  state: Standing['state'],
  enough: (states: readonly PaymentState[]) => boolean,
): Promise<PaymentRecord | undefined> {
  const until = performance.now() + REST_MS;
  for (;;) {
    await reached(scene, act, enough);
    const row = await scene.watched.rowOf(act.route);
    if (row?.state === state || performance.now() > until) return row;
  }
}

/** A state that is not reached in time shows where the story is compared with what it should be. */
async function reached(
  { watched }: Scene,
  { route }: Act,
  enough: (states: readonly PaymentState[]) => boolean,
): Promise<void> {
  await watched.until(route, enough, AbortSignal.timeout(REST_MS)).catch(() => undefined);
}
