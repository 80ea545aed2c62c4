import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RemoteFacilitatorSpec } from '../../src/domain/facilitator-spec.ts';
import type { Facilitator, Journal } from '../../src/facilitator/facilitator.ts';
import { orderedFacilitators } from '../../src/facilitator/failover.ts';
import { openRemoteFacilitator, type RemoteFacilitatorDeps } from '../../src/facilitator/remote/remote-facilitator.ts';
import { families } from '../../src/registry.ts';
import {
  type Behaviour,
  LIES,
  refusingUrl,
  SCRIPTED_PAYER,
  SCRIPTED_TRANSACTION,
  type ScriptedFacilitator,
  scriptedOffer,
  scriptedPayment,
  startScriptedFacilitator,
} from '../support/scripted-facilitator.ts';
import { settleInFull } from '../support/settle-in-full.ts';

/** A ledger that takes everything. */
const written: Journal = async () => {};
const never = new AbortController().signal;
const V2_ONLY = [{ x402Version: 2, scheme: 'exact', network: 'eip155:84532' }];
const SETTLED = {
  kind: 'settled',
  settlement: { transaction: SCRIPTED_TRANSACTION, payer: SCRIPTED_PAYER, amount: 10000n },
};

/** Enough for a loopback answer on a busy machine; tests of a facilitator that hangs set a short time themselves. */
const PATIENT = { verifyTimeoutMs: 20_000, settleTimeoutMs: 20_000 };
const IMPATIENT = { verifyTimeoutMs: 50, settleTimeoutMs: 50 };
/** Time for a settlement to reach a facilitator that then hangs. */
const ARRIVES = { verifyTimeoutMs: 50, settleTimeoutMs: 3000 };

const cleanups: (() => Promise<void>)[] = [];
let script: ScriptedFacilitator;

async function start(kinds?: readonly unknown[]): Promise<ScriptedFacilitator> {
  const started = await startScriptedFacilitator(kinds);
  cleanups.push(() => started.close());
  return started;
}

function open(
  url: string,
  change: Partial<RemoteFacilitatorSpec> = {},
  deps: Partial<RemoteFacilitatorDeps> = {},
): Facilitator {
  const spec = {
    kind: 'remote',
    name: 'scripted',
    url,
    headers: [],
    cdp: undefined,
    rpc: new Map(),
    ...PATIENT,
  } as const;
  const facilitator = openRemoteFacilitator({ ...spec, ...change }, { families, ...deps });
  cleanups.push(() => facilitator.close());
  return facilitator;
}

beforeEach(async () => {
  script = await start();
});

afterEach(async () => {
  // The clients go first: a settlement that hangs ends by its own clock.
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describe('a remote facilitator that is asked to settle an unverified payment', () => {
  const WANTS = { kind: 'refuse', reason: 'Payment must be verified before settlement' } as const;
  const DOUBT = { kind: 'refuse', reason: 'invalid_exact_evm_nonce_already_used' } as const;

  /** One that has said what it supports, and taken the payment. */
  async function taking() {
    const facilitator = open(script.url);
    const payment = scriptedPayment(2);
    await facilitator.supported(never);
    expect(facilitator.takeUnverified?.(payment)).toBe(true);
    return { facilitator, payment };
  }

  function asked(): readonly string[] {
    return script.requests.map(({ endpoint }) => endpoint);
  }

  it('takes nothing before it has said what it supports', () => {
    expect(open(script.url).takeUnverified?.(scriptedPayment(1))).toBe(false);
  });

  it('settles it by one call', async () => {
    const { facilitator, payment } = await taking();
    expect(await settleInFull(facilitator, payment, written)).toEqual(SETTLED);
    expect(asked()).toEqual(['supported', 'settle']);
  });

  it('and wants to verify first is asked to, for this payment and for all that follow', async () => {
    const { facilitator, payment } = await taking();
    script.next('settle', WANTS);
    expect(await settleInFull(facilitator, payment, written)).toEqual(SETTLED);
    expect(asked()).toEqual(['supported', 'settle', 'verify', 'settle']);
    expect(facilitator.takeUnverified?.(scriptedPayment(2))).toBe(false);
  });

  it('has sent nothing of what it refuses to verify', async () => {
    const { facilitator, payment } = await taking();
    script.next('settle', WANTS);
    script.next('verify', { kind: 'refuse', reason: 'insufficient_funds' });
    const outcome = await settleInFull(facilitator, payment, written);
    expect(outcome).toEqual({ kind: 'failed', reason: 'insufficient_funds' });
    expect(asked()).toEqual(['supported', 'settle', 'verify']);
  });

  it('has sent nothing of what it cannot verify, and says so', async () => {
    const { facilitator, payment } = await taking();
    script.next('settle', WANTS);
    script.next('verify', { kind: 'reset' });
    await expect(settleInFull(facilitator, payment, written)).rejects.toMatchObject({ code: 'facilitator_overloaded' });
    expect(asked()).toEqual(['supported', 'settle', 'verify']);
  });

  it.each([
    ['a status of 500', { ...WANTS, status: 500 }],
    ['a transaction', { ...WANTS, transaction: SCRIPTED_TRANSACTION }],
  ] as const)('is not believed to have sent nothing when it asks for verification with %s', async (_what, behaviour) => {
    const { facilitator, payment } = await taking();
    script.next('settle', behaviour);
    expect(await settleInFull(facilitator, payment, written)).toMatchObject({ kind: 'unknown' });
    expect(asked()).toEqual(['supported', 'settle']);
  });

  it.each([
    ['was verified', false],
    ['was not verified', true],
  ])('has it written down that an answer without an outcome came for a payment that %s', async (_how, expected) => {
    const { facilitator, payment } = await taking();
    const other = scriptedPayment(2);
    script.next('settle', DOUBT);
    const notes: string[] = [];
    const journal: Journal = async ({ data }) => void notes.push(data);
    expect(await settleInFull(facilitator, expected ? payment : other, journal)).toMatchObject({ kind: 'unknown' });
    const first = '{"version":2}';
    expect(notes).toEqual(expected ? [first, '{"version":2,"mayBeForeign":true}'] : [first]);
  });
});

describe('a remote facilitator that answers', () => {
  it('verifies and settles', async () => {
    const facilitator = open(script.url);
    const payment = scriptedPayment(2);
    expect(await facilitator.verify(payment, never)).toEqual({ kind: 'valid', payer: SCRIPTED_PAYER });
    expect(await settleInFull(facilitator, payment, written)).toEqual(SETTLED);
    expect(script.requests.map(({ endpoint, method }) => `${method} ${endpoint}`)).toEqual([
      'POST verify',
      'POST settle',
    ]);
  });

  it.each([200, 400, 402, 500, 503])('is believed when it refuses with status %i', async (status) => {
    const facilitator = open(script.url);
    script.next('verify', { kind: 'refuse', reason: 'insufficient_funds', status });
    script.next('settle', { kind: 'refuse', reason: 'insufficient_funds', status });
    const payment = scriptedPayment(2);
    expect(await facilitator.verify(payment, never)).toEqual({ kind: 'invalid', reason: 'insufficient_funds' });
    // A status of 500 and above may stand for a fault before sending or after it.
    const kind = status < 500 ? 'failed' : 'unknown';
    expect(await settleInFull(facilitator, payment, written)).toEqual({ kind, reason: 'insufficient_funds' });
  });

  it('has its own words logged, while the buyer gets only a known reason', async () => {
    const told: string[] = [];
    const onStrangeReason = (...words: readonly string[]): void => void told.push(words.join(' '));
    const facilitator = open(script.url, {}, { onStrangeReason });
    const reason = 'HTTP request failed. URL: https://node.example/v2/SECRET-KEY';
    script.next('verify', { kind: 'refuse', reason });
    script.next('settle', { kind: 'refuse', reason });
    const payment = scriptedPayment(2);
    expect(await facilitator.verify(payment, never)).toEqual({ kind: 'invalid', reason: 'unexpected_verify_error' });
    expect(await settleInFull(facilitator, payment, written)).toEqual({
      kind: 'unknown',
      reason: 'unexpected_settle_error',
    });
    const words = 'HTTP request failed. URL: https://node.example';
    expect(told).toEqual([`${facilitator.name} verify ${words}`, `${facilitator.name} settle ${words}`]);
  });

  it('leaves a pending settlement unknown, with its transaction', async () => {
    script.next('settle', { kind: 'refuse', reason: 'settlement_pending', transaction: SCRIPTED_TRANSACTION });
    const outcome = await settleInFull(open(script.url), scriptedPayment(2), written);
    expect(outcome).toEqual({ kind: 'unknown', reason: 'settlement_pending', transaction: SCRIPTED_TRANSACTION });
  });

  it('gets the very same bytes at settle as at verify, whatever it says to support in between', async () => {
    const facilitator = open(script.url);
    for (const version of [1, 2] as const) {
      const payment = scriptedPayment(version);
      await facilitator.verify(payment, never);
      script.next('supported', { kind: 'agree', changed: { kinds: V2_ONLY } });
      await facilitator.supported(never);
      expect(await settleInFull(facilitator, payment, written)).toEqual(SETTLED);
      const [verify, settle] = script.requests.filter(({ endpoint }) => endpoint !== 'supported').slice(-2);
      expect(settle!.text).toBe(verify!.text);
    }
  });

  it('is asked in v1 about a v1 payment, after it has been asked whether it knows v1', async () => {
    const payment = scriptedPayment(1);
    await open(script.url).verify(payment, never);
    expect(script.requests.map(({ endpoint }) => endpoint)).toEqual(['supported', 'verify']);
    expect(JSON.parse(script.requests[1]!.text)).toMatchObject({
      x402Version: 1,
      paymentPayload: { x402Version: 1, network: 'base-sepolia' },
      paymentRequirements: { network: 'base-sepolia', maxAmountRequired: '10000', resource: payment.resourceUrl },
    });
  });

  it('is asked in v2 about a v1 payment when it knows v2 only', async () => {
    const v2 = await start(V2_ONLY);
    const facilitator = open(v2.url);
    const payment = scriptedPayment(1);
    await facilitator.verify(payment, never);
    expect(await settleInFull(facilitator, payment, written)).toEqual(SETTLED);
    expect(JSON.parse(v2.requests[1]!.text)).toMatchObject({
      x402Version: 2,
      paymentPayload: { x402Version: 2, accepted: { amount: '10000' } },
      paymentRequirements: { network: 'eip155:84532', amount: '10000' },
    });
  });

  it('gets the configured headers on every call, which may replace ours', async () => {
    const facilitator = open(script.url, {
      headers: [
        ['X-Api-Key', 'k1'],
        ['Accept', 'application/x402+json'],
      ],
    });
    const payment = scriptedPayment(2);
    await facilitator.supported(never);
    await facilitator.verify(payment, never);
    await settleInFull(facilitator, payment, written);
    for (const { headers } of script.requests) {
      expect(headers).toMatchObject({ 'x-api-key': 'k1', accept: 'application/x402+json' });
    }
    expect(script.requests).toHaveLength(3);
  });

  it('gets a token of its own for each call where a CDP key is configured', async () => {
    const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
    const pub = Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex');
    const cdp = { keyId: 'key-1', keySecret: Buffer.concat([seed, pub]).toString('base64') };
    const facilitator = open(script.url, { cdp }, { clock: () => 1_767_000_000_900 });
    const payment = scriptedPayment(2);
    await facilitator.supported(never);
    await facilitator.verify(payment, never);
    await settleInFull(facilitator, payment, written);
    const claims = script.requests.map(({ headers }) => {
      const token = /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1] ?? '';
      return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    });
    const { host } = new URL(script.url);
    expect(claims.map(({ uris, iat }) => [uris, iat])).toEqual([
      [[`GET ${host}/facilitator/supported`], 1_767_000_000],
      [[`POST ${host}/facilitator/verify`], 1_767_000_000],
      [[`POST ${host}/facilitator/settle`], 1_767_000_000],
    ]);
  });
});

describe('a remote facilitator that lies', () => {
  const toVerify = Object.entries(LIES).filter(([name]) => /payer|verdict/.test(name));

  it.each(toVerify)('about %s is not believed at verify', async (_, lie) => {
    script.next('verify', lie);
    const verified = open(script.url).verify(scriptedPayment(2), never);
    await expect(verified).rejects.toMatchObject({ code: 'facilitator_invalid_answer' });
  });

  it.each(Object.entries(LIES))('about %s leaves the settlement unknown', async (_, lie) => {
    script.next('settle', lie);
    const outcome = await settleInFull(open(script.url), scriptedPayment(2), written);
    expect(outcome).toMatchObject({ kind: 'unknown', reason: 'facilitator_invalid_answer' });
  });
});

/** A transaction that the right answer does not name. */
const OTHER = `0x${'cd'.repeat(32)}`;

describe('a remote facilitator in trouble', () => {
  const troubles: readonly (readonly [string, Behaviour, string])[] = [
    ['closes the connection', { kind: 'reset' }, 'facilitator_unreachable'],
    ['closes the connection in the middle of its answer', { kind: 'die-mid-answer' }, 'facilitator_unreachable'],
    ['speaks another protocol', { kind: 'raw', text: 'SSH-2.0-OpenSSH_9.6\r\n' }, 'facilitator_invalid_answer'],
    [
      'breaks off a chunked answer',
      { kind: 'raw', text: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n20\r\n{"isValid":true,' },
      'facilitator_unreachable',
    ],
    ['answers more than 64 KB', { kind: 'huge' }, 'facilitator_invalid_answer'],
    ['answers HTML', { kind: 'say', text: '<html>It works!</html>' }, 'facilitator_invalid_answer'],
    ['answers JSON without a verdict', { kind: 'say', text: '{"ok":true}' }, 'facilitator_invalid_answer'],
    ['answers a list', { kind: 'say', text: '[{"isValid":true,"success":true}]' }, 'facilitator_invalid_answer'],
    ['answers nothing', { kind: 'say', text: '' }, 'facilitator_invalid_answer'],
    ['answers 404', { kind: 'say', text: '{"error":"not found"}', status: 404 }, 'facilitator_invalid_answer'],
    ['answers 500', { kind: 'say', text: 'oops', status: 500 }, 'facilitator_invalid_answer'],
    ['answers 429', { kind: 'say', text: '{}', status: 429 }, 'facilitator_overloaded'],
    ['answers 503', { kind: 'say', text: '', status: 503 }, 'facilitator_overloaded'],
  ];

  it.each(troubles)('that %s is a fault at verify and an unknown settlement', async (_, behaviour, code) => {
    const facilitator = open(script.url);
    script.next('verify', behaviour);
    script.next('settle', behaviour);
    script.next('supported', behaviour);
    const payment = scriptedPayment(2);
    await expect(facilitator.verify(payment, never)).rejects.toMatchObject({ code });
    await expect(facilitator.supported(never)).rejects.toMatchObject({ code });
    const settling = settleInFull(facilitator, payment, written);
    const atTheDoor = behaviour.kind === 'say' && behaviour.status === 429;
    if (atTheDoor) await expect(settling).rejects.toMatchObject({ code });
    else expect(await settling).toEqual({ kind: 'unknown', reason: code });
  });

  it.each([
    401, 402, 403, 429,
  ])('that refuses the settle request with status %i sent nothing, and rests', async (status) => {
    let now = Date.now();
    const facilitator = open(script.url, {}, { clock: () => now });
    const payment = scriptedPayment(2);
    script.next('settle', { kind: 'say', text: '{"error":"no"}', status, headers: { 'retry-after': '20' } });
    const overloaded = { code: 'facilitator_overloaded', retryAfterSeconds: 1 };
    await expect(settleInFull(facilitator, payment, written)).rejects.toMatchObject(overloaded);
    expect(facilitator.resting).toBe(`it refuses to settle with HTTP status ${status}`);
    await expect(facilitator.verify(payment, never)).rejects.toMatchObject({ code: 'facilitator_overloaded' });
    expect(script.requests.map(({ endpoint }) => endpoint)).toEqual(['settle']);
    now += 20_000;
    expect(facilitator.resting).toBeUndefined();
    expect(await facilitator.verify(payment, never)).toMatchObject({ kind: 'valid' });
  });

  it('that refuses a settlement once more which it refused before does not rest', async () => {
    const facilitator = open(script.url);
    const payment = scriptedPayment(2);
    script.next('settle', { kind: 'say', text: '{"error":"blocked"}', status: 403 });
    const settling = facilitator.settle(payment, payment.offer.amount, written, 'again');
    await expect(settling).rejects.toMatchObject({ code: 'facilitator_overloaded' });
    expect(facilitator.resting).toBeUndefined();
    expect(await facilitator.verify(payment, never)).toMatchObject({ kind: 'valid' });
  });

  it.each([
    ['by another name', JSON.stringify({ success: false, errorReason: 'insufficient_funds', txHash: OTHER })],
    ['in its words', JSON.stringify({ success: false, errorReason: 'invalid_payload', errorMessage: `sent ${OTHER}` })],
    ['twice', `{"success":false,"errorReason":"insufficient_funds","transaction":"${OTHER}","transaction":""}`],
  ])('that refuses with a transaction %s may have sent it', async (_how, text) => {
    script.next('settle', { kind: 'say', text, status: 400 });
    const doubt = { kind: 'unknown', reason: 'facilitator_invalid_answer', transaction: OTHER };
    expect(await settleInFull(open(script.url), scriptedPayment(2), written)).toEqual(doubt);
  });

  it.each([
    ['settled and refused', '"success":true,"success":false,"errorReason":"insufficient_funds"'],
    ['refused and settled', `"success":false,"success":true,"transaction":"${OTHER}","network":"eip155:84532"`],
    ['refused for two reasons', '"success":false,"errorReason":"settlement_pending","errorReason":"invalid_payload"'],
  ])('that says in one answer that it %s is believed in neither', async (_what, members) => {
    script.next('settle', { kind: 'say', text: `{${members}}`, status: 402 });
    const outcome = await settleInFull(open(script.url), scriptedPayment(2), written);
    expect(outcome).toMatchObject({ kind: 'unknown', reason: 'facilitator_invalid_answer' });
  });

  it.each([
    401, 402, 403, 429,
  ])('that refuses with status %i and names a transaction may have sent it', async (status) => {
    const facilitator = open(script.url);
    const text = JSON.stringify({ error: 'rate limited', details: { hash: OTHER } });
    script.next('settle', { kind: 'say', text, status });
    const doubt = { kind: 'unknown', reason: 'facilitator_invalid_answer', transaction: OTHER };
    expect(await settleInFull(facilitator, scriptedPayment(2), written)).toEqual(doubt);
    expect(facilitator.resting).toBeUndefined();
  });

  it('that repeats what it was sent names no transaction', async () => {
    const payment = scriptedPayment(2);
    const sent = JSON.stringify(payment.submission.payload).toUpperCase();
    script.next('settle', { kind: 'say', text: `{"error":"blocked","request":${JSON.stringify(sent)}}`, status: 403 });
    const settling = settleInFull(open(script.url), payment, written);
    await expect(settling).rejects.toMatchObject({ code: 'facilitator_overloaded' });
  });

  it('that redirects names the target, without its query', async () => {
    const headers = { location: 'https://elsewhere.example/x402?key=SECRET' };
    script.next('supported', { kind: 'say', text: '', status: 308, headers });
    const fault = await open(script.url)
      .supported(never)
      .catch((thrown: unknown) => thrown);
    expect(String((fault as Error).cause)).toContain('a redirect to https://elsewhere.example/x402:');
    expect(String((fault as Error).cause)).not.toContain('SECRET');
  });

  it('that redirects is not followed, whatever the redirect says', async () => {
    const other = await start();
    for (const status of [301, 302, 307, 308]) {
      const redirect: Behaviour = { kind: 'agree', status };
      const elsewhere: Behaviour = { kind: 'say', text: '', status, headers: { location: `${other.url}/verify` } };
      script.next('verify', redirect, elsewhere);
      script.next('settle', redirect, elsewhere);
      const facilitator = open(script.url);
      for (const payment of [scriptedPayment(2), scriptedPayment(2)]) {
        const code = 'facilitator_invalid_answer';
        await expect(facilitator.verify(payment, never)).rejects.toMatchObject({ code });
        expect(await settleInFull(facilitator, payment, written)).toEqual({ kind: 'unknown', reason: code });
      }
    }
    expect(other.requests).toEqual([]);
  });

  it('that hangs is a timeout at verify and an unknown settlement', async () => {
    script.next('verify', { kind: 'hang' });
    script.next('settle', { kind: 'hang' });
    const facilitator = open(script.url, ARRIVES);
    const payment = scriptedPayment(2);
    await expect(facilitator.verify(payment, never)).rejects.toMatchObject({ code: 'facilitator_timeout' });
    expect(await settleInFull(facilitator, payment, written)).toEqual({
      kind: 'unknown',
      reason: 'facilitator_timeout',
    });
  });

  it('that is overloaded says when to come back', async () => {
    script.next('verify', { kind: 'say', text: '', status: 429, headers: { 'retry-after': '17' } });
    const verified = open(script.url).verify(scriptedPayment(2), never);
    await expect(verified).rejects.toMatchObject({ code: 'facilitator_overloaded', retryAfterSeconds: 17 });
  });

  it.each([
    // A connection that has just been answered on may not be free yet when the next settlement asks for one.
    ['over one or two connections of a moment ago', {}, 2],
    ['over a new one where the facilitator keeps its own for two seconds at most', { 'keep-alive': 'timeout=2' }, 6],
  ])('settles %s', async (_, headers, connections) => {
    const used = new Set<unknown>();
    const server = createHttpServer((request, response) => {
      used.add(request.socket);
      const answer = { success: true, transaction: SCRIPTED_TRANSACTION, network: 'eip155:84532' };
      request.resume().once('end', () => response.writeHead(200, headers).end(JSON.stringify(answer)));
    }).listen(0, '127.0.0.1');
    // Only the header states it: a facilitator behind a proxy may keep its connections longer than it states.
    server.keepAliveTimeout = 0;
    await once(server, 'listening');
    cleanups.push(async () => {
      server.closeAllConnections();
      server.close();
    });
    const facilitator = open(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    for (let settled = 0; settled < 6; settled += 1) {
      expect(await settleInFull(facilitator, scriptedPayment(2), written)).toMatchObject({ kind: 'settled' });
    }
    expect(used.size <= 2 ? 2 : used.size).toBe(connections);
  });

  it('that refuses connections moved nothing: the settlement has failed', async () => {
    const facilitator = open(await refusingUrl());
    const payment = scriptedPayment(2);
    await expect(facilitator.verify(payment, never)).rejects.toMatchObject({ code: 'facilitator_unreachable' });
    expect(await settleInFull(facilitator, payment, written)).toEqual({
      kind: 'failed',
      reason: 'facilitator_unreachable',
    });
  });

  it('whose host does not exist moved nothing: the settlement has failed', async () => {
    // No name may have a part of 64 characters, so that no resolver needs to be asked.
    const facilitator = open(`http://${'x'.repeat(64)}.test`);
    const payment = scriptedPayment(2);
    await expect(facilitator.verify(payment, never)).rejects.toMatchObject({ code: 'facilitator_unreachable' });
    expect(await settleInFull(facilitator, payment, written)).toEqual({
      kind: 'failed',
      reason: 'facilitator_unreachable',
    });
  });

  it('that does not finish the TLS handshake is given up, and the settlement is never sent later', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket.on('error', () => undefined))).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    cleanups.push(async () => {
      for (const socket of sockets) socket.destroy();
      silent.close();
    });
    const facilitator = open(`https://127.0.0.1:${(silent.address() as AddressInfo).port}`, IMPATIENT);
    expect(await settleInFull(facilitator, scriptedPayment(2), written)).toEqual({
      kind: 'failed',
      reason: 'facilitator_timeout',
    });
  });

  it('is not waited for at verify by a caller who has gone', async () => {
    script.next('verify', { kind: 'hang' });
    const facilitator = open(script.url);
    const gone = new AbortController();
    const verified = facilitator.verify(scriptedPayment(2), gone.signal);
    await script.arrived('verify');
    gone.abort();
    await expect(verified).rejects.toMatchObject({ code: 'facilitator_timeout' });
    const early = facilitator.verify(scriptedPayment(2), gone.signal);
    await expect(early).rejects.toMatchObject({ code: 'facilitator_timeout' });
    expect(script.requests).toHaveLength(1);
  });
});

describe('closing a remote facilitator', () => {
  it('lets a settlement that is under way end, and sends none afterwards', async () => {
    const held = Promise.withResolvers<void>();
    script.next('settle', { kind: 'hold', until: held.promise });
    const facilitator = open(script.url);
    const order: string[] = [];
    const settling = settleInFull(facilitator, scriptedPayment(2), written).then(({ kind }) => order.push(kind));
    await script.arrived('settle');
    const closing = facilitator.close().then(() => order.push('closed'));
    held.resolve();
    await Promise.all([settling, closing]);
    expect(order).toEqual(['settled', 'closed']);
    expect(await settleInFull(facilitator, scriptedPayment(2), written)).toMatchObject({ kind: 'failed' });
    expect(script.requests).toHaveLength(1);
  });
});

describe('a list of remote facilitators', () => {
  it('verifies at the second when the first is down, and settles there only', async () => {
    const second = open(script.url);
    const pool = orderedFacilitators([open(await refusingUrl()), second]);
    cleanups.push(() => pool.close());
    await pool.refresh(never);
    expect(pool.covers(scriptedOffer())).toBe(true);
    const payment = scriptedPayment(2);
    const { verification, facilitator } = await pool.verify(payment, never);
    expect(verification.kind).toBe('valid');
    expect(facilitator).toBe(second);
    expect(await settleInFull(facilitator, payment, written)).toEqual(SETTLED);
  });
});
