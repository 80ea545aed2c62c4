import { parseAmount } from '../../domain/amount.ts';
import { parseNetwork } from '../../domain/network.ts';
import type { PassId } from '../../domain/pass.ts';
import type { PaymentKey } from '../../domain/payment.ts';
import { DRAWN, type LedgerEvent, PAYMENT_EVENT_TYPES, type PaymentEventType } from '../../domain/webhook.ts';
import type { OpenCalls } from '../open-calls.ts';
import { DAMAGED_HOLD_MS, type Delivery, type Outbox, type TakenEvents, type WaitingEvents } from '../outbox.ts';
import {
  forgetEventStatement,
  postponeStatement,
  pruneEventsStatement,
  putOffStatement,
  takeDueStatement,
  waitingStatements,
} from './outbox-statements.ts';
import { damaged, readCount, readOptional, readText, readWhole } from './row.ts';
import type { SqlEngine, SqlRow, Statement } from './sql-engine.ts';
import { readApart } from './try-read.ts';

/** The outbox in SQL: one implementation for every engine, each call one statement. */
export class SqlOutbox implements Outbox {
  readonly #engine: SqlEngine;
  readonly #calls: OpenCalls;

  /** @param calls the ledger's open calls, with which it closes */
  constructor(engine: SqlEngine, calls: OpenCalls) {
    this.#engine = engine;
    this.#calls = calls;
  }

  takeDue(hook: string, now: number, holdMs: number, limit: number): Promise<TakenEvents> {
    return this.#calls.run(async () => {
      const rows = await this.#engine.run(takeDueStatement(hook, now, holdMs, limit, this.#engine.dialect));
      const taken = readTaken(rows);
      for (const { id } of taken.unreadable) await this.#engine.run(putOffStatement(hook, id, now + DAMAGED_HOLD_MS));
      return taken;
    });
  }

  forget(delivery: Delivery): Promise<void> {
    return this.#change(forgetEventStatement(delivery));
  }

  postpone(delivery: Delivery, dueAt: number): Promise<void> {
    return this.#change(postponeStatement(delivery, dueAt));
  }

  waiting(hooks: readonly string[]): Promise<WaitingEvents> {
    return this.#calls.run(async () => {
      // SQL has no empty list.
      if (hooks.length === 0) return { count: 0, oldestAt: undefined };
      const [counted, oldest] = waitingStatements(hooks);
      const count = readCount(await this.#engine.run(counted));
      const [first] = await this.#engine.run(oldest);
      return {
        count,
        oldestAt: first === undefined ? undefined : readWhole(first, 'created_at'),
      };
    });
  }

  pruneEvents(createdBefore: number, dueBy: number, limit: number): Promise<readonly string[]> {
    return this.#calls.run(async () => {
      const rows = await this.#engine.run(pruneEventsStatement(createdBefore, dueBy, limit, this.#engine.dialect));
      return rows.map((row) => String(row.get('hook')));
    });
  }

  #change(statement: Statement): Promise<void> {
    return this.#calls.run(async () => {
      await this.#engine.run(statement);
    });
  }
}

/** Reads what was taken row by row, oldest first. */
function readTaken(rows: readonly SqlRow[]): TakenEvents {
  const { sound, unsound } = readApart(rows, readDelivery);
  const unreadable = unsound.map(({ row, fault: { column } }) => {
    const id = row.get('id');
    return { id: typeof id === 'string' ? id : '', column };
  });
  return { deliveries: sound.toSorted((a, b) => a.event.createdAt - b.event.createdAt), unreadable };
}

function readDelivery(row: SqlRow): Delivery {
  return { hook: readText(row, 'hook'), attempt: readWhole(row, 'attempts'), event: readEvent(row) };
}

/** Copied from payments and draws: the brands need no second check. */
function readEvent(row: SqlRow): LedgerEvent {
  const common = {
    id: readText(row, 'id'),
    createdAt: readWhole(row, 'created_at'),
    route: readText(row, 'route'),
    requestId: readText(row, 'request_id'),
    payer: readText(row, 'payer'),
    network: parseNetwork(row.get('network')) ?? damaged('network'),
    asset: readText(row, 'asset'),
    amount: parseAmount(row.get('amount')) ?? damaged('amount'),
    usage: readOptional(row, 'usage'),
  };
  const subject = readText(row, 'payment');
  if (row.get('type') === DRAWN) return { ...common, type: DRAWN, pass: subject as PassId };
  return {
    ...common,
    type: readType(row),
    payment: subject as PaymentKey,
    payTo: readText(row, 'pay_to'),
    scheme: readText(row, 'scheme'),
    protocol: readOptional(row, 'protocol'),
    transaction: readOptional(row, 'settled_transaction'),
    settledAt: row.get('settled_at') === null ? undefined : readWhole(row, 'settled_at'),
  };
}

function readType(row: SqlRow): PaymentEventType {
  const name = readText(row, 'type');
  return PAYMENT_EVENT_TYPES.find((type) => type === name) ?? damaged('type');
}
