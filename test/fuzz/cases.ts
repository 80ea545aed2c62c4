import fc from 'fast-check';
import { Random } from '../crash/random.ts';
import { anyManner, type Manner, PATIENT } from './attack.ts';
import { mutated } from './mutation.ts';
import { changedPayment } from './payment-variants.ts';
import { bytesOf, type DrawnRequest, drawnRequest, nonsensePayment } from './requests.ts';
import type { SignedPayment, Wallet } from './wallet.ts';

/** One attack. */
export interface FuzzCase {
  readonly id: string;
  readonly kind: 'drawn' | 'mutated' | 'tunnel';
  readonly bytes: Buffer;
  readonly manner: Manner;
  /** The payment in it, changed or not. */
  readonly payment: SignedPayment | undefined;
}

/** How many requests are generated at once. */
const BATCH = 100;
/** How many sent requests are kept to splice from. */
const MOST_OTHERS = 50;

/** Makes random cases: the same seed makes the same cases in the same order. */
export class CaseMaker {
  readonly #random: Random;
  readonly #wallet: Wallet;
  #drawn: DrawnRequest[] = [];
  #nonsense: string[] = [];
  readonly #others: Buffer[] = [];
  #number = 0;

  constructor(seed: number, wallet: Wallet) {
    this.#random = new Random(seed);
    this.#wallet = wallet;
  }

  async next(): Promise<FuzzCase> {
    this.#number += 1;
    const id = `case-${this.#number}`;
    const share = this.#random.next();
    if (share < 0.5) return await this.#drawnCase(id);
    return share < 0.9 ? await this.#mutatedCase(id) : await this.#tunnelCase(id);
  }

  async #drawnCase(id: string): Promise<FuzzCase> {
    const drawn = this.#draw();
    const payment = drawn.payment === 'good' || drawn.payment === 'changed' ? await this.#wallet.sign() : undefined;
    const bytes = Buffer.from(bytesOf(drawn, id, this.#headerOf(drawn, payment)), 'latin1');
    this.#remember(bytes);
    return { id, kind: 'drawn', bytes, manner: PATIENT, payment };
  }

  async #mutatedCase(id: string): Promise<FuzzCase> {
    const random = this.#random;
    const drawn = this.#draw();
    const pays = random.chance(0.15);
    const payment = pays ? await this.#wallet.sign() : undefined;
    if (payment !== undefined) payment.impatient = true;
    const bytes = Buffer.from(bytesOf(drawn, id, payment?.header), 'latin1');
    return { id, kind: 'mutated', bytes: mutated(bytes, this.#others, random), manner: anyManner(random), payment };
  }

  async #tunnelCase(id: string): Promise<FuzzCase> {
    const random = this.#random;
    const payment = random.chance(0.3) ? await this.#wallet.sign() : undefined;
    if (payment !== undefined) payment.impatient = true;
    const lines = [
      `GET ${random.pick(['/socket/paid', '/socket/free', '/after/1', '/free/x', '/socket%2fpaid'])} HTTP/1.1`,
      `Host: ${random.pick(['gw.test', 'gw.test', 'priced.test'])}`,
      `X-Case: ${id}`,
      `Connection: ${random.pick(['Upgrade', 'upgrade, keep-alive', 'Upgrade, X402-Payer, close'])}`,
      `Upgrade: ${random.pick(['websocket', 'WebSocket', 'h2c', 'websocket, h2c', 'TLS/1.0'])}`,
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${Buffer.from(random.hex(16).slice(2), 'hex').toString('base64')}`,
      ...(random.chance(0.2) ? [random.pick(['Content-Length: 5', 'Transfer-Encoding: chunked'])] : []),
      ...(payment === undefined ? [] : [`PAYMENT-SIGNATURE: ${payment.header}`]),
    ];
    const early = random.chance(0.5) ? 'GET /after/1 HTTP/1.1\r\nHost: gw.test\r\n\r\n' : '\x81\x02hi';
    const whole = Buffer.from(`${lines.join('\r\n')}\r\n\r\n${early}`, 'latin1');
    const bytes = random.chance(0.5) ? whole : mutated(whole, this.#others, random);
    return { id, kind: 'tunnel', bytes, manner: anyManner(random), payment };
  }

  #headerOf(drawn: DrawnRequest, payment: SignedPayment | undefined): string | undefined {
    if (payment !== undefined) return drawn.payment === 'good' ? payment.header : changedPayment(payment, this.#random);
    if (drawn.payment !== 'nonsense') return undefined;
    if (this.#nonsense.length === 0) this.#nonsense = fc.sample(nonsensePayment, this.#batch());
    return this.#nonsense.pop();
  }

  #draw(): DrawnRequest {
    if (this.#drawn.length === 0) this.#drawn = fc.sample(drawnRequest, this.#batch());
    const drawn = this.#drawn.pop();
    if (drawn === undefined) throw new Error('nothing was drawn');
    return drawn;
  }

  #batch(): { seed: number; numRuns: number } {
    return { seed: this.#random.between(1, 2 ** 31 - 1), numRuns: BATCH };
  }

  #remember(bytes: Buffer): void {
    this.#others.push(bytes.subarray(0, 20_000));
    if (this.#others.length > MOST_OTHERS) this.#others.shift();
  }
}
