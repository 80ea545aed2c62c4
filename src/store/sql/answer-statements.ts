import type { PaymentKey } from '../../domain/payment.ts';
import type { PaymentState } from '../../domain/payment-state.ts';
import type { KeptAnswer } from '../answers.ts';
import { IS_OPEN } from './conditions.ts';
import { text, whole } from './row.ts';
import type { Dialect, Statement } from './sql-engine.ts';

/** Keeps an answer. */
export function keepStatement(key: PaymentKey, answer: KeptAnswer, now: number): Statement {
  const query = `INSERT INTO turnpike_answers (key, status, status_text, headers, body, request_id, request_digest, bytes, kept_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (key) DO UPDATE SET status = excluded.status, status_text = excluded.status_text,
      headers = excluded.headers, body = excluded.body, request_id = excluded.request_id, request_digest = excluded.request_digest,
      bytes = excluded.bytes, kept_at = excluded.kept_at`;
  const { status, statusText, headers, body, requestId, requestDigest } = answer;
  const head = [status, text(statusText), JSON.stringify(headers)];
  const values = [text(key), ...head, body, text(requestId), text(requestDigest), body.byteLength, whole(now)];
  return { kind: 'write', name: 'keep', text: query, values };
}

/** Reads a kept answer. */
export function recallStatement(key: PaymentKey): Statement {
  const query =
    'SELECT status, status_text, headers, body, request_id, request_digest FROM turnpike_answers WHERE key = $1';
  return { kind: 'read', name: 'recall', text: query, values: [text(key)] };
}

/** Deletes the answer of a payment that a step to `to` has just ended without money: its row is at `epoch` now. */
export function dropAnswerStatement(key: PaymentKey, epoch: number, to: PaymentState): Statement {
  const query = `DELETE FROM turnpike_answers WHERE key = $1
    AND EXISTS (SELECT 1 FROM turnpike_payments WHERE turnpike_payments.key = $1 AND epoch = $2 AND state = $3)`;
  return { kind: 'write', name: 'drop_answer', text: query, values: [text(key), epoch, to] };
}

/** Counts the bytes of all kept answers. */
export function countKeptStatement(): Statement {
  const query = 'SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) AS every FROM turnpike_answers';
  return { kind: 'read', name: 'count_kept', text: query, values: [] };
}

/** Deletes answers that can no longer be collected; one row for each. */
export function forgetAnswersStatement(keptBefore: number, limit: number, dialect: Dialect): Statement {
  const query = `WITH taken AS MATERIALIZED (
      SELECT turnpike_answers.key FROM turnpike_answers JOIN turnpike_payments ON turnpike_payments.key = turnpike_answers.key
      WHERE kept_at < $1 AND NOT ${IS_OPEN} AND COALESCE(settled_at, 0) < $1
      ORDER BY kept_at LIMIT $2 ${dialect.takeRows})
    DELETE FROM turnpike_answers WHERE key IN (SELECT key FROM taken) RETURNING key`;
  return { kind: 'write', name: 'forget_answers', text: query, values: [whole(keptBefore), limit] };
}
