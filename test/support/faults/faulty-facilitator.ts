import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeTransaction } from '../../../src/svm/transaction.ts';
import type { Breakage, Excuse, FacilitatorFault } from './cells.ts';

let addressesGiven = 0;

/**
 * A loopback address for one server that goes and comes back at the same port. No connection of this machine has its own
 * end there and no other server gets it, so that nothing takes the port meanwhile.
 */
export function addressApart(): string {
  const given = addressesGiven;
  addressesGiven += 1;
  return `127.${1 + (process.pid % 250)}.${1 + Math.floor(given / 250)}.${1 + (given % 250)}`;
}

/** A facilitator that works, behind those that do not. */
export interface SoundFacilitator {
  /** Asks an endpoint; resolves to the answer's body. */
  ask(endpoint: string, text: string): Promise<string>;
}

/**
 * Asks the facilitator at a URL, for one settlement after the other: the stock signer loses count of its transactions
 * when many go out at once and one fails.
 */
export function soundFacilitator(url: string): SoundFacilitator {
  let last: Promise<unknown> = Promise.resolve();
  const send = async (endpoint: string, text: string): Promise<string> => {
    const answer = await fetch(`${url}/${endpoint}`, endpoint === 'supported' ? {} : { method: 'POST', body: text });
    return await answer.text();
  };
  return {
    ask(endpoint, text) {
      if (endpoint !== 'settle') return send(endpoint, text);
      const asking = last.then(() => send(endpoint, text));
      last = asking.catch(() => undefined);
      return asking;
    },
  };
}

/** A facilitator that goes wrong in front of one that does not. */
export interface FaultyFacilitator {
  readonly url: string;
  /** Resolves when no settlement is under way behind it, those included that nobody waits for. */
  settled(): Promise<void>;
  /** Is sound from now on. */
  recover(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts a facilitator in front of `behind` whose calls go wrong as `fault` says until it recovers.
 *
 * @param payments how many payments it verifies before it goes, where its fault is to be `gone`
 */
export async function startFaultyFacilitator(
  behind: SoundFacilitator,
  fault: FacilitatorFault,
  payments: number,
): Promise<FaultyFacilitator> {
  const facilitator = new Front(behind, fault, payments);
  await facilitator.start();
  return facilitator;
}

class Front implements FaultyFacilitator {
  readonly #behind: SoundFacilitator;
  readonly #server: Server;
  readonly #settling = new Set<Promise<unknown>>();
  readonly #gone = Promise.withResolvers<void>();
  #fault: FacilitatorFault;
  #verifications: number;
  readonly #address = addressApart();
  #port = 0;

  constructor(behind: SoundFacilitator, fault: FacilitatorFault, payments: number) {
    this.#behind = behind;
    this.#fault = fault;
    this.#verifications = payments;
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  get url(): string {
    return `http://${this.#address}:${this.#port}`;
  }

  async start(): Promise<void> {
    this.#server.listen(this.#port, this.#address);
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async settled(): Promise<void> {
    await Promise.all(this.#settling);
  }

  async recover(): Promise<void> {
    this.#fault = { kind: 'none' };
    if (!this.#server.listening) await this.start();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await readText(request);
    const endpoint = (request.url ?? '').slice(1);
    const fault = this.#fault;
    if (endpoint === 'verify' && fault.kind === 'settle' && fault.how === 'gone') await this.#goAfterTheLast();
    if (endpoint === 'verify' && fault.kind === 'verify') return misbehave(response, fault.how, endpoint, text);
    if (endpoint === 'settle' && fault.kind === 'settle') return misbehave(response, fault.how, endpoint, text);
    if (endpoint === 'settle' && fault.kind === 'doubt') {
      if (fault.moved) await this.#ask(endpoint, text);
      return misbehave(response, fault.how, endpoint, text);
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(await this.#ask(endpoint, text));
  }

  /** Takes no more connections once every payment is here to be verified; those that are open get their answer. */
  async #goAfterTheLast(): Promise<void> {
    this.#verifications -= 1;
    if (this.#verifications === 0) {
      this.#server.close();
      this.#gone.resolve();
    }
    await this.#gone.promise;
  }

  async #ask(endpoint: string, text: string): Promise<string> {
    const asking = this.#behind.ask(endpoint, text);
    if (endpoint !== 'settle') return await asking;
    this.#settling.add(asking);
    return await asking.finally(() => this.#settling.delete(asking));
  }
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function refusalOf(endpoint: string, text: string): string {
  const { paymentPayload, paymentRequirements } = JSON.parse(text);
  const payer = payerOf(paymentPayload.payload);
  if (endpoint === 'verify')
    return JSON.stringify({ isValid: false, invalidReason: 'invalid_transaction_state', payer });
  const { network } = paymentRequirements;
  return JSON.stringify({ success: false, errorReason: 'amount_too_low', transaction: '', network, payer });
}

/** Who signed: the account of the authorization, or the second to sign a transaction of Solana, after who pays the fee. */
function payerOf({ authorization, transaction = '' }: Signed): string | undefined {
  return authorization?.from ?? decodeTransaction(Buffer.from(transaction, 'base64'))?.signers[1];
}

interface Signed {
  readonly authorization?: { readonly from: string };
  readonly transaction?: string;
}

/** One that is on no chain, as the chain of a network calls its transactions. */
function someTransaction(network: string): string {
  return network.startsWith('solana:') ? '5'.repeat(88) : `0x${'ab'.repeat(32)}`;
}

interface ExcuseText {
  readonly errorReason: string;
  readonly status?: number;
  /** Whether it names a transaction. */
  readonly names?: boolean;
}

/** Says that a settlement failed, whatever became of it. */
function excuse(response: ServerResponse, asked: string, text: ExcuseText): void {
  const { paymentPayload, paymentRequirements } = JSON.parse(asked);
  const { status = 200, errorReason, names = false } = text;
  const payer = payerOf(paymentPayload.payload);
  const { network } = paymentRequirements;
  const transaction = names ? someTransaction(network) : '';
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ success: false, errorReason, transaction, network, payer }));
}

type Misbehaviour = Breakage | Excuse | 'refuses' | 'gone';

function misbehave(response: ServerResponse, how: Misbehaviour, endpoint: string, text: string): void {
  switch (how) {
    case 'refuses':
      response.writeHead(200, { 'content-type': 'application/json' }).end(refusalOf(endpoint, text));
      break;
    case 'gone':
      throw new Error('it takes no connections that this could have come over');
    case '500 with a body':
      excuse(response, text, { status: 500, errorReason: 'internal_error' });
      break;
    case '502 with a body':
      excuse(response, text, { status: 502, errorReason: 'insufficient_funds' });
      break;
    case '504 with a body':
      excuse(response, text, { status: 504, errorReason: 'internal_error' });
      break;
    case 'failed, without a transaction':
      excuse(response, text, { errorReason: 'invalid_exact_evm_transaction_failed' });
      break;
    case 'failed, with a transaction':
      excuse(response, text, { errorReason: 'invalid_exact_evm_transaction_failed', names: true });
      break;
    case 'refused after sending':
      excuse(response, text, { errorReason: 'invalid_exact_evm_nonce_already_used' });
      break;
    case 'node broken':
      excuse(response, text, { errorReason: 'fetch failed: https://node.example/v2/SECRET-KEY' });
      break;
    case '500':
      response.writeHead(500, { 'content-type': 'text/plain' }).end('Internal Server Error');
      break;
    case 'garbage':
      response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>It works!</h1>');
      break;
    case 'hangs':
      break;
    case 'dies mid-answer':
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      response.write('{"success":tr', () => response.socket?.destroy());
      break;
  }
}
