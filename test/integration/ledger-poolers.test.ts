import { once } from 'node:events';
import { connect as connectTo, createServer, type Socket } from 'node:net';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { openPostgresLedger } from '../../src/store/postgres/postgres-ledger.ts';
import { paymentClaim } from '../contract/ledger-scene.ts';
import { openPatiently } from '../support/ledgers/patient-ledger.ts';
import { openPostgres, postgresMissing, type TestPostgres } from '../support/postgres.ts';

const missing = await postgresMissing();
const SEARCH_PATH = '?options=-c%20search_path%3Dbooks';

/** How poolers treat settings that come with a connection; for a refusal, the error that they give. */
const REFUSALS = {
  PgBouncer: ['08P01', 'unsupported startup parameter in options: synchronous_commit'],
  'RDS Proxy': ['0A000', 'Feature not supported: RDS Proxy currently doesn\u2019t support command-line options.'],
} as const;

describe.skipIf(missing !== undefined)('a PostgreSQL ledger behind a pooler', () => {
  let server: TestPostgres;
  let url: string;
  let ledger: PaymentStore | undefined;
  let pooler: Awaited<ReturnType<typeof startPooler>> | undefined;

  beforeAll(async () => {
    server = await openPostgres();
    url = await server.createDatabase();
  });
  afterAll(() => server?.dispose());
  afterEach(async () => {
    await ledger?.close();
    ledger = undefined;
    pooler?.close();
  });

  async function through(treat: Treatment): Promise<string> {
    pooler = await startPooler(Number(new URL(url).port), treat);
    const address = new URL(url);
    address.port = String(pooler.port);
    return address.href;
  }

  async function direct(text: string): Promise<readonly unknown[]> {
    const client = new Client({ connectionString: url });
    await client.connect();
    const { rows } = await client.query(text);
    await client.end();
    return rows;
  }

  it.each(Object.entries(REFUSALS))('works where it refuses settings as %s does', async (_name, refusal) => {
    ledger = await openPatiently(await through(refusal));
    expect((await ledger.claim(paymentClaim({ name: refusal[0] }))).kind).toBe('claimed');
    expect((await ledger.claim(paymentClaim({ name: refusal[0] }))).kind).toBe('held');
  });

  it('works where it ignores settings', async () => {
    ledger = await openPatiently(await through('ignores'));
    expect((await ledger.claim(paymentClaim({ name: 'ignored' }))).kind).toBe('claimed');
  });

  it('is not opened in another schema than the URL says, where a pooler ignores its search_path', async () => {
    await direct('CREATE SCHEMA books');
    ledger = await openPatiently(url + SEARCH_PATH);
    await ledger.claim(paymentClaim());
    await ledger.close();
    const address = await through('ignores');
    const refused = { name: 'StoreOpenError', message: expect.stringContaining('asked for: books') };
    await expect(openPostgresLedger(address + SEARCH_PATH)).rejects.toMatchObject(refused);
    await direct(`ALTER DATABASE "${new URL(url).pathname.slice(1)}" SET search_path = "books"`);
    ledger = await openPatiently(address + SEARCH_PATH);
    expect((await ledger.claim(paymentClaim())).kind).toBe('held');
  });
});

type Treatment = 'ignores' | readonly [code: string, message: string];

/** Carries bytes to a server, but for the settings in the first message of each connection. */
async function startPooler(port: number, treat: Treatment) {
  const sockets = new Set<Socket>();
  const pooler = createServer((client) => {
    const upstream = connectTo(port, '127.0.0.1');
    for (const socket of [client, upstream]) sockets.add(socket.on('error', () => undefined));
    client.once('data', (first) => {
      const parameters = startupParameters(first);
      if (treat !== 'ignores' && parameters.has('options')) {
        client.end(fatal(...treat));
        upstream.destroy();
        return;
      }
      parameters.delete('options');
      upstream.write(startup(parameters));
      client.pipe(upstream).pipe(client);
    });
  }).listen(0, '127.0.0.1');
  await once(pooler, 'listening');
  const address = pooler.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    close() {
      pooler.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** The names and values of a startup message: length, version, then texts that end with a zero. */
function startupParameters(message: Buffer): Map<string, string> {
  const texts = message.toString('utf8', 8, message.readInt32BE(0) - 1).split('\0');
  const parameters = new Map<string, string>();
  for (let index = 0; index + 1 < texts.length; index += 2) parameters.set(texts[index] ?? '', texts[index + 1] ?? '');
  return parameters;
}

function startup(parameters: ReadonlyMap<string, string>): Buffer {
  const body = Buffer.from(`${[...parameters].map(([name, value]) => `${name}\0${value}\0`).join('')}\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(body.length + 8, 0);
  head.writeInt32BE(196_608, 4);
  return Buffer.concat([head, body]);
}

function fatal(code: string, message: string): Buffer {
  const body = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`);
  const head = Buffer.from('E\0\0\0\0');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
