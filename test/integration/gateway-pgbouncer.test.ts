import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settlementOf, signFor } from '../support/buyer.ts';
import { type Devnet, freshPayer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { findPgBouncer, type PgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { openPostgres, postgresMissing, type TestPostgres } from '../support/postgres.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const executable = findPgBouncer();
const missing = (await postgresMissing()) ?? (executable === undefined ? 'there is no pgbouncer here' : undefined);
const reason = missing === undefined ? '' : ` (skipped: ${missing})`;
/** Starting a database on a busy machine takes its time. */
const LONG = 120_000;
const BUYERS = 12;

describe.skipIf(missing !== undefined)(`two gateways behind PgBouncer in transaction mode${reason}`, () => {
  let server: TestPostgres;
  let bouncer: PgBouncer;
  let devnet: Devnet;
  let upstream: TestUpstream;
  let gateways: readonly TestGateway[] = [];

  beforeAll(async () => {
    [server, devnet, upstream] = await Promise.all([openPostgres(), startDevnet(), startUpstream()]);
    bouncer = await startPgBouncer(executable ?? '', await server.createDatabase());
    const text = `${settings(devnet, upstream.url).replace('store: memory', `store: "${bouncer.url}"`)}routes:
  - { path: /after/*, price: $0.001 }
  - { path: /deferred/*, price: $0.001, settle: deferred }
  - { path: /pass/*, price: $0.001, access: { requests: 2 } }
`;
    gateways = [await startTestGateway(text), await startTestGateway(text)];
  }, LONG);

  afterAll(async () => {
    await Promise.all(gateways.map((gateway) => gateway.close()));
    await bouncer?.stop();
    await Promise.all([devnet?.close(), upstream?.close(), server?.dispose()]);
  }, LONG);

  const at = (index: number): string => gateways[index % gateways.length]?.url ?? '';

  it('sell to twelve buyers at once, each served and charged once', { timeout: LONG }, async () => {
    const payers = await Promise.all(Array.from({ length: BUYERS }, () => freshPayer(devnet)));
    const sold = payers.map(async (payer, index) => {
      const url = `${at(index)}/after/${index}`;
      const header = await signFor(devnet, payer, url);
      return await fetch(url, { headers: { 'PAYMENT-SIGNATURE': header } });
    });
    const answers = await Promise.all(sold);
    expect(answers.map(({ status }) => status)).toEqual(Array(BUYERS).fill(200));
    expect(new Set(answers.map((answer) => settlementOf(answer).transaction)).size).toBeGreaterThan(0);
    for (const payer of payers) expect(await devnet.usdcBalanceOf(payer.address)).toBe(999_000n);
  });

  it('serve one of ten copies of a payment', { timeout: LONG }, async () => {
    const payer = await freshPayer(devnet);
    const before = upstream.seen.length;
    const header = await signFor(devnet, payer, `${at(0)}/after/once`);
    const copies = Array.from({ length: 10 }, () =>
      fetch(`${at(0)}/after/once`, { headers: { 'PAYMENT-SIGNATURE': header } }),
    );
    const statuses = (await Promise.all(copies)).map(({ status }) => status);
    expect(statuses).toContain(200);
    expect(upstream.seen.length - before).toBe(1);
    expect(await devnet.usdcBalanceOf(payer.address)).toBe(999_000n);
  });

  it('sell a pass that the other gateway accepts, and settle on credit', { timeout: LONG }, async () => {
    const payer = await freshPayer(devnet);
    const deferred = `${at(0)}/deferred/1`;
    const header = await signFor(devnet, payer, deferred);
    expect((await fetch(deferred, { headers: { 'PAYMENT-SIGNATURE': header } })).status).toBe(200);
    await expect.poll(() => devnet.usdcBalanceOf(payer.address), { timeout: 60_000 }).toBe(999_000n);
    const url = `${at(0)}/pass/1`;
    const bought = await fetch(url, { headers: { 'PAYMENT-SIGNATURE': await signFor(devnet, payer, url) } });
    expect(bought.status).toBe(200);
    const token = bought.headers.get('x402-access-token') ?? '';
    const withToken = (): Promise<Response> => fetch(`${at(1)}/pass/1`, { headers: { 'X402-Access-Token': token } });
    const statuses: number[] = [];
    for (let call = 0; call < 3; call += 1) statuses.push((await withToken()).status);
    expect(statuses).toEqual([200, 200, 402]);
  });
});
