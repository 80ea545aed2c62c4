import type { IncomingMessage, ServerResponse } from 'node:http';
import { generatePrivateKey } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PaymentKey } from '../../src/domain/payment.ts';
import type { PaymentRecord } from '../../src/domain/payment-record.ts';
import { builtIn } from '../../src/registry.ts';
import { openMemoryLedger } from '../../src/store/memory/memory-ledger.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { challengeOf, settlementOf, signFor } from '../support/buyer.ts';
import { type Devnet, freshPayer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { encodePayment, handSigned } from '../support/payment-header.ts';
import { connectRaw } from '../support/raw-http.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';
import { TallyFacilitator } from './tally-facilitator.ts';
import { wordMeter } from './word-meter.ts';

type Behaviour = (req: IncomingMessage, res: ServerResponse) => void;

let upstream: TestUpstream;
let behaviour: Behaviour;
let tally: TallyFacilitator;
let gateway: TestGateway;
let store: PaymentStore;

beforeAll(async () => {
  upstream = await startUpstream((req, res) => behaviour(req, res));
});
afterAll(async () => await upstream.close());

beforeEach(async () => {
  tally = new TallyFacilitator();
  store = openMemoryLedger(Date.now);
  gateway = await openGateway('');
});
afterEach(async () => await gateway.close());

function openGateway(more: string): Promise<TestGateway> {
  return startTestGateway(
    `upstream: ${upstream.url}
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
store: memory
facilitator: { url: "http://127.0.0.1:9" }
${more}
routes:
  - { path: /words/*, price: $0.001, keepAnswers: { size: 1KB } }
  - { path: /whole, price: $0.001 }
`,
    { registry: { ...builtIn, answerReaders: [wordMeter()] }, openFacilitator: ({ name }) => tally.named(name), store },
  );
}

const says =
  (text: string, type = 'text/plain'): Behaviour =>
  (req, res) => {
    req.resume();
    res.writeHead(200, { 'Content-Type': type }).end(text);
  };

async function signed(path: string): Promise<string> {
  const [accepted] = challengeOf(await fetch(gateway.url + path)).accepts;
  if (accepted === undefined) throw new Error('a challenge without offers');
  return encodePayment(await handSigned(generatePrivateKey(), { ...accepted }));
}

function pay(path: string, header: string, init: RequestInit = {}): Promise<Response> {
  return fetch(gateway.url + path, { ...init, headers: { ...init.headers, 'PAYMENT-SIGNATURE': header } });
}

async function codeOf(answer: Response): Promise<unknown> {
  const problem = (await answer.json()) as { readonly code: string };
  return problem.code;
}

async function rows(): Promise<readonly PaymentRecord[]> {
  return await store.list({}, undefined, 10);
}

/** Waits for a row that the gateway is about to write. */
async function rowThat(holds: (row: PaymentRecord) => boolean): Promise<PaymentRecord> {
  for (;;) {
    const found = (await rows()).find(holds);
    if (found !== undefined) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('a whole answer that says what it costs', () => {
  it('is charged what it says, and its receipt names that', async () => {
    behaviour = says('three words here');
    const paid = await pay('/words/x', await signed('/words/x'));
    expect(await paid.text()).toBe('three words here');
    expect(settlementOf(paid)).toMatchObject({ success: true, amount: '300' });
    expect(tally.moved).toEqual([300n]);
    expect(await rowThat(({ state }) => state === 'delivered')).toMatchObject({ asked: 300n, amount: 1000n });
  });

  it('is never charged more than was signed for', async () => {
    behaviour = says('word '.repeat(50));
    await (await pay('/words/x', await signed('/words/x'))).text();
    expect(tally.moved).toEqual([1000n]);
  });

  it('that says it costs nothing is sent without a charge, and the payment can be used again', async () => {
    behaviour = says('sorry, not today');
    const header = await signed('/words/x');
    const free = await pay('/words/x', header);
    expect([free.status, await free.text()]).toEqual([200, 'sorry, not today']);
    expect(free.headers.get('payment-response')).toBeNull();
    expect((await rows()).map(({ state }) => state)).toEqual(['released']);
    behaviour = says('two words');
    await (await pay('/words/x', header)).text();
    expect(tally.moved).toEqual([200n]);
  });

  it('that costs zero uses the payment up', async () => {
    behaviour = says('');
    const header = await signed('/words/x');
    expect((await pay('/words/x', header)).status).toBe(200);
    expect(tally.moved).toEqual([0n]);
    expect((await pay('/words/x', header)).status).toBe(409);
  });

  it('can be sent with its receipt in it, in the length that it then has', async () => {
    behaviour = says('{receipt} and three words');
    const paid = await pay('/words/x', await signed('/words/x'));
    const text = await paid.text();
    const receipt = paid.headers.get('payment-response');
    expect(text).toBe(`${receipt} and three words`);
    expect(paid.headers.get('content-length')).toBe(String(text.length));
  });

  it('that is larger than can be read is not sent, and costs nothing', async () => {
    behaviour = says('word '.repeat(1000));
    const refused = await pay('/words/x', await signed('/words/x'));
    expect([refused.status, await codeOf(refused)]).toEqual([502, 'upstream_invalid_answer']);
    expect((await rows()).map(({ state }) => state)).toEqual(['released']);
    expect(tally.moved).toEqual([]);
  });

  it('that is larger can be sent as a stream from its first byte on', async () => {
    const text = `${'word '.repeat(1000)}\nthe end\n`;
    behaviour = says(text);
    const paid = await pay('/words/long', await signed('/words/long'));
    expect(await paid.text()).toBe(text.replace('the end', ': promised 1000\nthe end'));
    expect(await tally.afterSettlements(1)).toEqual([1000n]);
  });

  it('that breaks off is not sent, and costs nothing', async () => {
    behaviour = (req, res) => {
      req.resume();
      res.writeHead(200, { 'Content-Length': '100' }).write('half');
      setImmediate(() => res.destroy());
    };
    const refused = await pay('/words/x', await signed('/words/x'));
    expect([refused.status, await codeOf(refused)]).toEqual([502, 'upstream_invalid_answer']);
    expect((await rows()).map(({ state }) => state)).toEqual(['released']);
  });

  it('is kept for its buyer where the call cannot be made again', async () => {
    behaviour = says('three words here');
    const header = await signed('/words/x');
    await (await pay('/words/x', header, { method: 'POST', body: 'ask' })).text();
    const [row] = await rows();
    const kept = await store.recall(row?.key as PaymentKey);
    expect(Buffer.from(kept?.body ?? []).toString()).toBe('three words here');
  });

  it('is served once to fifty copies of one payment', async () => {
    behaviour = says('three words here');
    const header = await signed('/words/x');
    const answers = await Promise.all(Array.from({ length: 50 }, () => pay('/words/x', header)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(tally.moved).toEqual([300n]);
  });

  it('leaves other routes at their price', async () => {
    behaviour = says('three words here');
    expect(settlementOf(await pay('/whole', await signed('/whole')))).toMatchObject({ amount: '1000' });
  });
});

const EVENTS = 'text/event-stream';

describe('a stream that says what it costs', () => {
  it('is sent as it arrives, except its end, which waits until the charge is in the ledger', async () => {
    const api = Promise.withResolvers<ServerResponse>();
    behaviour = (req, res) => {
      req.resume();
      res.writeHead(200, { 'Content-Type': EVENTS });
      res.write('one two\n');
      api.resolve(res);
    };
    const paid = await pay('/words/x', await signed('/words/x'));
    const reader = paid.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toBe('one two\n');
    expect(await rows()).toMatchObject([{ state: 'uncharged', asked: undefined }]);
    expect(tally.moved).toEqual([]);
    (await api.promise).end('three\nthe end\n');
    let rest = '';
    for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
      if (part.value.includes('the end')) expect(await rows()).toMatchObject([{ asked: 300n }]);
      rest += part.value;
    }
    expect(rest).toBe('three\n: promised 300\nthe end\n');
    expect(await tally.afterSettlements(1)).toEqual([300n]);
    expect(await rowThat(({ state }) => state === 'delivered')).toMatchObject({ answered: true, asked: 300n });
  });

  it('costs the part that was sent when its buyer leaves, and is not sent again', async () => {
    behaviour = (req, res) => {
      req.resume();
      res.writeHead(200, { 'Content-Type': EVENTS });
      res.write('one two\n');
    };
    const header = await signed('/words/x');
    const client = await connectRaw(Number(new URL(gateway.url).port));
    client.send(`GET /words/x HTTP/1.1\r\nHost: gw\r\nPAYMENT-SIGNATURE: ${header}\r\n\r\n`);
    await client.until('one two');
    client.socket.destroy();
    expect(await tally.afterSettlements(1)).toEqual([200n]);
    await rowThat(({ state }) => state === 'delivered_in_part');
  });

  it('that breaks off is cut, without its end, and costs what its reader says', async () => {
    behaviour = (req, res) => {
      req.resume();
      res.writeHead(200, { 'Content-Type': EVENTS });
      res.write('one two\nthe end', () => setImmediate(() => res.destroy()));
    };
    const paid = await pay('/words/x', await signed('/words/x'));
    await expect(paid.text()).rejects.toThrow();
    await rowThat(({ state, reason }) => state === 'released' && reason === 'the API broke off');
    expect(tally.moved).toEqual([]);
  });

  it('is cut without its end when its charge cannot be written down', async () => {
    const api = Promise.withResolvers<ServerResponse>();
    behaviour = (req, res) => {
      req.resume();
      res.writeHead(200, { 'Content-Type': EVENTS });
      res.write('one two\n');
      api.resolve(res);
    };
    const client = await connectRaw(Number(new URL(gateway.url).port));
    client.send(`GET /words/x HTTP/1.1\r\nHost: gw\r\nPAYMENT-SIGNATURE: ${await signed('/words/x')}\r\n\r\n`);
    await client.until('one two');
    await store.close();
    (await api.promise).end('the end\n');
    expect((await client.ended).toString()).not.toContain('the end');
    expect(tally.moved).toEqual([]);
  });

  it('waits until it is paid when its buyer has no credit left', async () => {
    await gateway.close();
    store = openMemoryLedger(Date.now);
    gateway = await openGateway('deferred: { maxUnsettled: 1, maxUnsettledPerPayer: 1 }');
    const api = Promise.withResolvers<ServerResponse>();
    behaviour = (req, res) => {
      req.resume();
      res.writeHead(200, { 'Content-Type': EVENTS });
      res.write('one two\n');
      api.resolve(res);
    };
    const first = await pay('/words/x', await signed('/words/x'));
    behaviour = says('three more words\nthe end\n', EVENTS);
    const second = await pay('/words/x', await signed('/words/x'));
    expect(settlementOf(second)).toMatchObject({ success: true, amount: '300' });
    expect(await second.text()).toBe('three more words\n: settled 300\nthe end\n');
    behaviour = says(`${'word '.repeat(300_000)}\nthe end\n`, EVENTS);
    expect((await pay('/words/x', await signed('/words/x'))).status).toBe(429);
    (await api.promise).end('the end\n');
    await first.text();
    expect([...(await tally.afterSettlements(2))].sort()).toEqual([200n, 300n]);
  });
});

describe('streams of one buyer', () => {
  it('go out on credit as long as the sum of what they may cost is within the bound', async () => {
    await gateway.close();
    store = openMemoryLedger(Date.now);
    gateway = await openGateway('deferred: { maxUnsettledPerPayer: $0.0015 }');
    const buyer = generatePrivateKey();
    const signedBy = async (path: string): Promise<string> => {
      const [accepted] = challengeOf(await fetch(gateway.url + path)).accepts;
      if (accepted === undefined) throw new Error('a challenge without offers');
      return encodePayment(await handSigned(buyer, { ...accepted }));
    };
    const api = Promise.withResolvers<ServerResponse>();
    behaviour = (req, res) => {
      req.resume();
      res.writeHead(200, { 'Content-Type': EVENTS });
      res.write('one two\n');
      api.resolve(res);
    };
    const first = await pay('/words/x', await signedBy('/words/x'));
    behaviour = says('three more words\nthe end\n', EVENTS);
    const second = await pay('/words/x', await signedBy('/words/x'));
    expect(await second.text()).toBe('three more words\n: settled 300\nthe end\n');
    (await api.promise).end('the end\n');
    expect(await first.text()).toContain(': promised 200');
    await tally.afterSettlements(2);
    await rowThat(({ state, asked }) => state === 'delivered' && asked === 200n);
    const third = await pay('/words/x', await signedBy('/words/x'));
    expect(await third.text()).toContain(': promised 300');
  });
});

describe('an answer that says what it costs, on the local chain', () => {
  let devnet: Devnet;
  let onChain: TestGateway;

  beforeAll(async () => {
    devnet = await startDevnet();
    onChain = await startTestGateway(
      `${settings(devnet, upstream.url)}\nroutes:\n  - { path: /words/*, price: $0.001 }\n`,
      { registry: { ...builtIn, answerReaders: [wordMeter()] } },
    );
  });
  afterAll(async () => {
    await onChain.close();
    await devnet.close();
  });

  it('is paid when it says a cost, and not when it says that it costs nothing', async () => {
    const buyer = await freshPayer(devnet);
    const url = `${onChain.url}/words/x`;
    const paidTo = () => devnet.usdcBalanceOf(devnet.accounts.payee.address);
    const before = await paidTo();
    const headers = { 'PAYMENT-SIGNATURE': await signFor(devnet, buyer, url) };
    behaviour = says('sorry');
    expect(await (await fetch(url, { headers })).text()).toBe('sorry');
    expect(await paidTo()).toBe(before);
    behaviour = says('word '.repeat(10));
    expect(settlementOf(await fetch(url, { headers }))).toMatchObject({ success: true, amount: '1000' });
    expect(await paidTo()).toBe(before + 1000n);
    behaviour = says(`${'word '.repeat(10)}\nthe end\n`, EVENTS);
    const stream = await fetch(url, { headers: { 'PAYMENT-SIGNATURE': await signFor(devnet, buyer, url) } });
    expect(await stream.text()).toContain(': promised 1000\nthe end');
    while ((await paidTo()) < before + 2000n) await new Promise((resolve) => setImmediate(resolve));
    expect(await paidTo()).toBe(before + 2000n);
  });
});
