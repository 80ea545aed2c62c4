import type { Answer } from '../../src/domain/answer.ts';
import { Leases } from '../../src/domain/leases.ts';
import type { OwnDebt } from '../../src/domain/own-debt.ts';
import { type RequestHead, requestHead } from '../../src/domain/request-head.ts';
import type { Upstream } from '../../src/domain/upstream.ts';
import { McpState } from '../../src/mcp/mcp-state.ts';
import type { Observer, RequestSummary } from '../../src/observe/observer.ts';
import { BalanceHolds } from '../../src/pass/balance-holds.ts';
import { UseCounter } from '../../src/pass/use-counter.ts';
import { CreditGates } from '../../src/pipeline/credit-gates.ts';
import { createLimiters } from '../../src/pipeline/limits/limiters.ts';
import type { Services } from '../../src/pipeline/runtime.ts';
import { serve } from '../../src/pipeline/serve.ts';
import { CallRoom } from '../../src/proxy/call-room.ts';
import type { Client, RelayedHead } from '../../src/proxy/client.ts';
import type { DepartureListener, SignalledDeparture } from '../../src/proxy/client-departure.ts';
import { bodyOfBytes } from '../../src/proxy/kept-body.ts';
import type { Passage } from '../../src/proxy/passage.ts';
import type { RequestBody } from '../../src/proxy/request-body.ts';
import { HealthBook } from '../../src/proxy/server-health.ts';
import type {
  ForwardRequest,
  RelayOutcome,
  UpstreamClient,
  UpstreamResponse,
} from '../../src/proxy/upstream-connection.ts';
import type { Collected } from '../../src/proxy/upstream-response.ts';
import { families, loadSchemes, protocols } from '../../src/registry.ts';
import { openRuntime } from '../../src/server/runtime.ts';
import { openMemoryLedger } from '../../src/store/memory/memory-ledger.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { TallyFacilitator } from '../extension/tally-facilitator.ts';
import { planOf } from './gateway.ts';

/** An answer of the API, as a value. */
export interface ApiAnswer {
  readonly status?: number;
  readonly headers?: readonly string[];
  readonly body?: string;
  /** The API breaks off behind its body. */
  readonly breaks?: boolean;
}

/** What a client got. */
export interface Got {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: string;
  /** Whether the gateway answered itself, or relayed the API. */
  readonly from: 'gateway' | 'api';
  readonly whole: boolean;
  /** A field of the head, the first of its name. */
  field(name: string): string | undefined;
}

/** A request, as a value. */
export interface AskedFor {
  readonly method?: string;
  readonly fields?: readonly (readonly [name: string, value: string])[];
  readonly body?: string;
  /** The client is gone before anything is decided. */
  readonly gone?: boolean;
  /** The client leaves while the answer goes out. */
  readonly leaves?: boolean;
}

/** The pipeline of a gateway without a socket: requests and answers are values. */
export interface ValueGateway<F extends TallyFacilitator = TallyFacilitator> {
  readonly store: PaymentStore;
  readonly facilitator: F;
  /** What the API was asked, in the order of arrival. */
  readonly asked: readonly ForwardRequest[];
  /** What the log was told of each request. */
  readonly summaries: readonly RequestSummary[];
  /** The debts that were handed on to be settled. */
  readonly debts: readonly OwnDebt[];
  /** Has the API answer so from now on; a fault is thrown. */
  api(answer: ApiAnswer | Error): void;
  /** Resolves with what the client got; `undefined` when that is nothing. */
  ask(target: string, asked?: AskedFor): Promise<Got | undefined>;
  /** Has the facilitator asked what it supports, and puts that in force. */
  learn(): Promise<void>;
}

/** Opens a pipeline over a configuration text without upstream, store and facilitator. */
export function openValueGateway(text: string, parts?: ValueParts): Promise<ValueGateway> {
  return openValueGatewayWith(new TallyFacilitator(), text, parts);
}

/** Parts of a {@link ValueGateway} that a test brings. */
export type ValueParts = Partial<Pick<Services, 'answerReaders'>>;

/** The same with a facilitator of the test's own. */
export async function openValueGatewayWith<F extends TallyFacilitator>(
  facilitator: F,
  text: string,
  { answerReaders = [] }: ValueParts = {},
): Promise<ValueGateway<F>> {
  const plan = await planOf(`${TOP}${text}`);
  const store = openMemoryLedger(Date.now);
  const health = new HealthBook();
  const asked: ForwardRequest[] = [];
  const summaries: RequestSummary[] = [];
  const debts: OwnDebt[] = [];
  let answer: ApiAnswer | Error = {};
  const client: UpstreamClient = {
    calls: new CallRoom({ connections: 100, paidConnections: 10, health: [health.of('http://127.0.0.1:9')] }),
    async open(request) {
      asked.push(request);
      await readAll(request);
      if (answer instanceof Error) throw answer;
      return new ValueResponse(answer);
    },
    close: async () => {},
  };
  const schemes = await loadSchemes();
  const runtime = openRuntime(plan, {
    protocols,
    schemes,
    recent: { of: () => [], lookUp: async () => {} },
    facilitators: { lease: ({ name }) => facilitator.named(name), release: async () => {} },
    clients: Leases.closing<Upstream, UpstreamClient>(
      () => client,
      () => {},
    ),
    health,
    onFacilitatorFault: () => {},
    accessTools: undefined,
    clock: Date.now,
  });
  await runtime.facilitators.begin(new AbortController().signal);
  const observer: Observer = {
    requestFinished: (summary) => summaries.push(summary),
    paymentMoved: () => {},
    facilitatorCalled: () => {},
    passNoted: () => {},
    answerNotKept: () => {},
    answerCharged: () => {},
    gasFailed: () => {},
  };
  let requests = 0;
  const services: Services = {
    owner: 'here',
    ledger: store,
    observer,
    tracer: undefined,
    schemes,
    families,
    answerReaders,
    mcp: new McpState(),
    creditGate: new CreditGates(),
    limiters: createLimiters(Date.now),
    passes: {
      quota: { take: () => ({ kind: 'used_up' }), revoke: () => {}, close: async () => {} },
      balances: new BalanceHolds({ store: store.passes, owner: 'here', clock: Date.now }),
      revoked: new Set(),
    },
    uses: new UseCounter(store.uses, Date.now),
    abandoned: () => {},
    debts: { add: async (debt) => void debts.push(debt) },
    clock: Date.now,
    after: () => () => {},
    newRequestId: () => `request-${++requests}`,
    runtime: () => runtime,
  };
  return {
    store,
    facilitator,
    asked,
    summaries,
    debts,
    api: (next) => {
      answer = next;
    },
    async ask(target, { method = 'GET', fields: sent = [], body, gone = false, leaves = false } = {}) {
      const framing = body === undefined ? [] : [['Content-Length', String(Buffer.byteLength(body))] as const];
      const head = requestHead({ method, target, peer: '192.0.2.1' }, [['Host', 'api.test'], ...framing, ...sent]);
      const to = new ValueClient(body === undefined ? undefined : bodyOfBytes(Buffer.from(body)), { gone, leaves });
      await serve({ head, client: to }, services);
      return to.got;
    },
    async learn() {
      await runtime.facilitators.refresh(new AbortController().signal);
      runtime.lesson()?.adopt();
    },
  };
}

const TOP = `listen: 127.0.0.1:0
upstream: http://127.0.0.1:9
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
store: memory
facilitator: { url: "http://127.0.0.1:9" }
`;

async function readAll({ body, watch }: ForwardRequest): Promise<void> {
  for await (const _ of body?.open(() => {}, watch) ?? []);
}

class ValueResponse implements UpstreamResponse {
  readonly status: number;
  readonly statusText = '';
  readonly rawHeaders: string[];
  readonly broken: boolean;
  readonly #body: Buffer;

  constructor({ status = 200, headers = [], body = '', breaks = false }: ApiAnswer) {
    this.status = status;
    this.rawHeaders = [...headers];
    this.broken = breaks;
    this.#body = Buffer.from(body);
  }

  async collect(maxBytes: number): Promise<Collected> {
    if (this.broken) return { kind: 'broke', silent: false };
    return this.#body.length > maxBytes ? { kind: 'larger' } : { kind: 'whole', body: this.#body };
  }

  relay(): Promise<RelayOutcome> {
    throw new Error('there is no connection to relay to');
  }

  discard(): void {}

  cut(): void {}
}

class ValueDeparture implements SignalledDeparture {
  readonly aborted: boolean;
  readonly isCut = false;

  constructor(aborted: boolean) {
    this.aborted = aborted;
  }

  get signal(): AbortSignal {
    return this.aborted ? AbortSignal.abort() : new AbortController().signal;
  }

  addEventListener(_type: 'abort', _listener: DepartureListener): void {}
  removeEventListener(_type: 'abort', _listener: DepartureListener): void {}
}

class ValueClient implements Client {
  readonly departure: ValueDeparture;
  readonly isGone: boolean;
  readonly hints = undefined;
  got: Got | undefined;
  readonly #body: RequestBody | undefined;
  readonly #leaves: boolean;

  constructor(body: RequestBody | undefined, { gone, leaves }: Required<Pick<AskedFor, 'gone' | 'leaves'>>) {
    this.#body = body;
    this.#leaves = leaves;
    this.isGone = gone;
    this.departure = new ValueDeparture(gone);
  }

  get status(): number {
    return this.got?.status ?? 200;
  }

  body(_head: RequestHead): RequestBody | undefined {
    return this.#body;
  }

  onOver(): void {}

  answer({ status, headers, body }: Answer): void {
    const text = typeof body === 'string' ? body : Buffer.from(body ?? []).toString();
    this.got = gotten({ status, headers, body: text, from: 'gateway', whole: true });
  }

  async deliver(answer: Answer): Promise<boolean> {
    this.answer(answer);
    return true;
  }

  async relay(response: UpstreamResponse, { status, headers }: RelayedHead, passage?: Passage): Promise<RelayOutcome> {
    if (this.#leaves) return { kind: 'client_gone' };
    const collected = await response.collect(Number.POSITIVE_INFINITY);
    const whole = collected.kind === 'whole';
    const body = whole ? await through(passage, collected.body) : '';
    this.got = gotten({ status, headers, body, from: 'api', whole });
    return whole ? { kind: 'complete', bytes: body.length } : { kind: 'upstream_broke' };
  }
}

async function through(passage: Passage | undefined, body: Buffer): Promise<string> {
  if (passage === undefined) return body.toString();
  const parts = [...passage.pass(body)];
  const { bytes } = await passage.end();
  return Buffer.concat(bytes === undefined ? parts : [...parts, bytes]).toString();
}

function gotten(got: Omit<Got, 'field'>): Got {
  return {
    ...got,
    field(name) {
      const at = got.headers.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === name.toLowerCase());
      return at === -1 ? undefined : got.headers[at + 1];
    },
  };
}
