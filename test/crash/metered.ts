import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Pass } from '../../src/domain/pass.ts';
import type { PaymentRecord } from '../../src/domain/payment-record.ts';
import { OPEN } from '../../src/domain/payment-state.ts';
import { openStore } from '../../src/registry.ts';
import type { DrawRecord } from '../../src/store/balances.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { buyPass } from '../support/access.ts';
import { signUptoFor } from '../support/buyer.ts';
import { approvePermit2, type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { freePort } from '../support/free-port.ts';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { sse } from '../support/metering/answers.ts';
import { type MeteredApi, startMeteredApi } from '../support/metering/metered-api.ts';
import { settings } from '../support/settings.ts';
import { Random } from './random.ts';
import { makeStorePlace, type StoreKind } from './store-place.ts';

/*
 * Metered calls, streams and balances while the gateway is killed: each life of it ends with `kill -9` in the middle of a call,
 * which the API counts. A buyer who read the end of an answer writes down its cost; in the end the ledger, the chain and these
 * notes are compared.
 */

/** What to run. */
export interface MeteredCrashOptions {
  readonly seed: number;
  /** How often the gateway is killed. */
  readonly kills: number;
  readonly store: StoreKind;
}

/** An answer that a buyer read to its end. */
export interface Finished {
  readonly kind: 'payment' | 'balance';
  readonly requestId: string;
  /** Atomic units, by the usage that the API reported. */
  readonly charge: bigint;
}

/** The result of a run. */
export interface MeteredEvidence {
  readonly finished: readonly Finished[];
  readonly rows: readonly PaymentRecord[];
  readonly balances: readonly { readonly pass: Pass; readonly draws: readonly DrawRecord[] }[];
  /** What the payee received. */
  readonly earned: bigint;
  /** Calls under way when the gateway was killed, over all lives. */
  readonly cut: number;
}

/** How long payments may stay open, in milliseconds: a killed process counts as gone after 15 s. */
const LONGEST_REST_MS = 90_000;
const POLL_MS = 250;
const PRICE = '{ upTo: $0.002, meter: openai, rates: { input: $1/1M, output: $2/1M } }';
const CALLS = ['json', 'stream'] as const;

/** Runs the lives of a seed, lets the gateway finish what is open, and collects the evidence. */
export async function runMeteredCrash({ seed, kills, store: kind }: MeteredCrashOptions): Promise<MeteredEvidence> {
  const [devnet, api] = await Promise.all([startDevnet(), startMeteredApi()]);
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-metered-crash-'));
  const place = await makeStorePlace(kind, folder);
  const listen = `127.0.0.1:${await freePort()}`;
  const text = `listen: ${listen}
admin: 127.0.0.1:0
${settings(devnet, api.url).replace('store: memory', `store: "${place.setting}"`)}
routes:
  - { path: /paid/:form, methods: [POST], price: ${PRICE} }
  - { path: /held/:form, methods: [POST], price: ${PRICE}, access: { balance: $0.05 } }
`;
  const run = new MeteredRun({ devnet, api, url: `http://${listen}`, random: new Random(seed) });
  const lives: GatewayProcess[] = [];
  const begin = (): GatewayProcess => {
    const gateway = startGatewayProcess(folder, text);
    lives.push(gateway);
    return gateway;
  };
  try {
    await run.prepare();
    for (let life = 0; life < kills; life += 1) await run.live(begin());
    const last = begin();
    await last.ready;
    const ledger = await openStore(place.spec);
    await untilAtRest(ledger);
    const evidence = await run.gather(ledger);
    await ledger.close();
    last.kill('SIGTERM');
    await last.ended;
    return evidence;
  } finally {
    for (const life of lives) life.kill('SIGKILL');
    await Promise.all([devnet.close(), api.close()]);
    await place.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}

interface World {
  readonly devnet: Devnet;
  readonly api: MeteredApi;
  readonly url: string;
  readonly random: Random;
}

class MeteredRun {
  readonly #world: World;
  readonly #finished: Finished[] = [];
  readonly #payers: Payer[] = [];
  readonly #tokens = new Map<Payer, string>();
  #cut = 0;
  #before = 0n;

  constructor(world: World) {
    this.#world = world;
  }

  async prepare(): Promise<void> {
    const { devnet } = this.#world;
    for (let index = 0; index < 3; index += 1) {
      const payer = await freshPayer(devnet);
      await approvePermit2(devnet, payer.key);
      this.#payers.push(payer);
    }
    this.#before = await devnet.usdcBalanceOf(devnet.accounts.payee.address);
  }

  /** One life: all buyers buy until a number of calls has reached the API, and then the gateway is killed. */
  async live(gateway: GatewayProcess): Promise<void> {
    await gateway.ready;
    const { api, random } = this.#world;
    const calls = random.between(6, 18);
    const isLate = random.between(0, 1) === 1;
    let arrived = 0;
    let isOver = false;
    void gateway.ended.then(() => {
      isOver = true;
    });
    const kill = (): void => {
      isOver = true;
      gateway.kill('SIGKILL');
    };
    api.answer = (to, { path, headers, body }) => {
      arrived += 1;
      const isLast = arrived === calls;
      if (isLast && !isLate) kill();
      const id = String(headers['x-request-id']);
      // The last call may still be answered, just before the gateway is killed.
      if (isLast && isLate) to.once('finish', kill);
      answerCall(to, path.endsWith('/stream'), id, tokensOf(body));
    };
    const buying = this.#payers.flatMap((payer) => [
      this.#loop(
        () => isOver,
        () => this.#pay(payer),
      ),
      this.#loop(
        () => isOver,
        () => this.#spend(payer),
      ),
      this.#loop(
        () => isOver,
        () => this.#spend(payer),
      ),
    ]);
    await Promise.all(buying);
    await gateway.ended;
  }

  async gather(ledger: PaymentStore): Promise<MeteredEvidence> {
    const { devnet } = this.#world;
    const rows = await ledger.list({}, undefined, 10_000);
    const { passes } = await ledger.passes.listPasses(undefined, 100);
    const balances = await Promise.all(
      passes.map(async (pass) => ({ pass, draws: await ledger.passes.balances.listDraws(pass.id, 10_000) })),
    );
    const earned = (await devnet.usdcBalanceOf(devnet.accounts.payee.address)) - this.#before;
    return { finished: this.#finished, rows, balances, earned, cut: this.#cut };
  }

  /** Buys until the gateway is gone. What the kill cuts off is counted. */
  async #loop(isOver: () => boolean, buy: () => Promise<void>): Promise<void> {
    while (!isOver()) {
      try {
        await buy();
      } catch {
        this.#cut += 1;
      }
    }
  }

  async #pay(payer: Payer): Promise<void> {
    const init = this.#call();
    const url = `${this.#world.url}/paid/${this.#form()}`;
    const header = await signUptoFor(payer, url, init);
    await this.#note('payment', await fetch(url, { ...init, headers: { 'PAYMENT-SIGNATURE': header } }));
  }

  async #spend(payer: Payer): Promise<void> {
    const { devnet, url } = this.#world;
    const init = this.#call();
    const place = `${url}/held/${this.#form()}`;
    const token = this.#tokens.get(payer);
    if (token === undefined) {
      const { response, token: bought } = await buyPass(devnet, payer, place, init);
      this.#tokens.set(payer, bought);
      return await this.#note('balance', response);
    }
    const response = await fetch(place, { ...init, headers: { 'X402-Access-Token': token } });
    if (response.status === 402) this.#tokens.delete(payer);
    await this.#note('balance', response);
  }

  /** An answer counts when its end has arrived. */
  async #note(kind: Finished['kind'], response: Response): Promise<void> {
    const body = await response.text();
    if (response.status !== 200) return;
    const requestId = response.headers.get('x-echo') ?? '';
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
    if (isStream && !body.endsWith('data: [DONE]\n\n')) return;
    const [, input = '0', output = '0'] = /"prompt_tokens":(\d+),"completion_tokens":(\d+)/.exec(body) ?? [];
    this.#finished.push({ kind, requestId, charge: BigInt(input) + 2n * BigInt(output) });
  }

  #form(): (typeof CALLS)[number] {
    return this.#world.random.pick(CALLS);
  }

  #call(): RequestInit {
    const tokens = { input: this.#world.random.between(1, 400), output: this.#world.random.between(1, 400) };
    return { method: 'POST', body: JSON.stringify({ model: 'm', tokens }) };
  }
}

function tokensOf(body: string): { readonly prompt_tokens: number; readonly completion_tokens: number } {
  const { tokens }: { tokens: { input: number; output: number } } = JSON.parse(body);
  return { prompt_tokens: tokens.input, completion_tokens: tokens.output };
}

function answerCall(
  to: Parameters<MeteredApi['answer']>[0],
  isStream: boolean,
  id: string,
  usage: ReturnType<typeof tokensOf>,
): void {
  if (!isStream) {
    to.writeHead(200, { 'Content-Type': 'application/json', 'X-Echo': id });
    to.end(JSON.stringify({ object: 'chat.completion', model: 'm', choices: [], usage }));
    return;
  }
  to.writeHead(200, { 'Content-Type': 'text/event-stream', 'X-Echo': id });
  const object = 'chat.completion.chunk';
  to.write(sse([{ object, choices: [{ index: 0, delta: { content: 'Hello' } }], usage: null }]), () => {
    to.write(sse([{ object, choices: [], usage }]), () => to.end(sse(['[DONE]'])));
  });
}

/** A payment or a hold that stays open for too long is reported by the checks, with its details. */
async function untilAtRest(ledger: PaymentStore): Promise<void> {
  const deadline = performance.now() + LONGEST_REST_MS;
  while (performance.now() < deadline) {
    const [open] = await ledger.list({ states: OPEN }, undefined, 1);
    const { passes } = await ledger.passes.listPasses(undefined, 100);
    if (open === undefined && passes.every(({ quota }) => quota?.lent === 0)) return;
    await wait(POLL_MS);
  }
}
