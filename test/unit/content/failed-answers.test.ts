import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { failedAnswers } from '../../../src/content/failed-answers.ts';
import type { AnswerReader, AnswerReading } from '../../../src/domain/answer-reader.ts';
import { requestHead } from '../../../src/domain/request-head.ts';
import { paidPriceOf, planOf, route } from '../../support/config/load.ts';

const JSON_HEAD = ['Content-Type', 'application/json'];

function readerOf(unlessJson: string): AnswerReader {
  const [asked] = planOf(route(`price: $0.001\ncharge: { unlessJson: ${unlessJson} }`)).routes;
  const price = paidPriceOf(asked);
  const [offer] = price.offers;
  if (asked === undefined || offer === undefined) throw new Error('the price has no offer');
  const head = requestHead({ method: 'POST', target: '/rpc', peer: '192.0.2.1' }, []);
  const reader = failedAnswers().readerOf({ route: asked, price, head, path: '/rpc', body: undefined, offer });
  if (reader === undefined) throw new Error('nobody reads the answer');
  return reader;
}

function begin(rawHeaders: readonly string[]): AnswerReading {
  return readerOf('{ /error: present }').begin({ status: 200, rawHeaders });
}

function verdict(body: string | Buffer, unlessJson = '{ /error: present }', asked?: string): string {
  const reader = readerOf(unlessJson);
  if (asked !== undefined) reader.request?.see?.(Buffer.from(asked));
  const reading = reader.begin({ status: 200, rawHeaders: JSON_HEAD });
  if (reading.kind !== 'whole') throw new Error('the answer is not read');
  return reading.charge(Buffer.from(body)).kind;
}

describe('an answer that says that its call failed', () => {
  it.each([
    '{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"execution reverted"}}',
    ' {"error":"no"} ',
    '{"error":false}',
    '{"\\u0065rror":0}',
  ])('is not charged: %s', (body) => {
    expect(verdict(body)).toBe('release');
  });

  it('is not charged where it is a list in which every call of the request failed', () => {
    const failed = '[{"id":1,"error":{}},{"id":2,"error":{}}]';
    expect(verdict(failed, undefined, '[{"id":1},{"id":2}]')).toBe('release');
    expect(verdict('[{"id":1,"error":{}}]', undefined, '{"id":1}')).toBe('release');
    expect(verdict('{"error":{}}', undefined, '[{"id":1},{"id":2}]')).toBe('release');
  });

  it.each([
    ['a call without an id ran beside it', '[{"method":"send"},{"id":2}]'],
    ['the request was not read', undefined],
    ['the request has more than one reading', '[{"id":1},{"id":1,"id":2}]'],
    ['the request is no JSON', '[{"id":1},'],
  ])('is charged in a list where %s', (_, asked) => {
    expect(verdict('[{"id":2,"error":{}}]', undefined, asked)).toBe('charge');
  });

  it('meets all conditions together', () => {
    const failed = '{ /errors: present, /data: absent }';
    expect(verdict('{"errors":[{"message":"no"}]}', failed)).toBe('release');
    expect(verdict('{"errors":[{"message":"no"}],"data":null}', failed)).toBe('release');
    expect(verdict('{"errors":[{"message":"no"}],"data":{"a":1}}', failed)).toBe('charge');
  });

  it('is recognized by a value, as in conditions of requests', () => {
    expect(verdict('{"status":"failed"}', '{ /status: "fail*" }')).toBe('release');
    expect(verdict('{"code":17}', '{ /code: { min: 1 } }')).toBe('release');
    expect(verdict('{"code":0}', '{ /code: { min: 1 } }')).toBe('charge');
  });
});

describe('an answer that does not clearly say that its call failed', () => {
  it.each([
    ['is a result', '{"jsonrpc":"2.0","id":1,"result":"0x1"}'],
    ['says null', '{"error":null,"result":1}'],
    ['is a batch that failed in part', '[{"id":1,"error":{}},{"id":2,"result":1}]'],
    ['is an empty list', '[]'],
    ['is empty', ''],
    ['has the key twice', '{"error":1,"error":null}'],
    ['has the key twice after unescaping', '{"error":1,"\\u0065rror":null}'],
    ['has any key twice', '{"error":1,"a":1,"a":2}'],
    ['has the key in another case as well', '{"error":1,"Error":null}'],
    ['has bytes behind it', '{"error":1}x'],
    ['has a byte order mark', '\ufeff{"error":1}'],
    ['is cut', '{"error":'],
    ['is nested deeper than is read', `{"error":${'['.repeat(70)}${']'.repeat(70)}}`],
    ['has more items than are read', `[${'{"error":1},'.repeat(10_000)}{"error":1}]`],
  ])('is charged where it %s', (_, body) => {
    expect(verdict(body)).toBe('charge');
  });

  it('is charged where it is no UTF-8', () => {
    expect(verdict(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toBe('charge');
    expect(verdict(Buffer.from('{"error":1}', 'utf16le'))).toBe('charge');
    expect(verdict(gzipSync('{"error":1}'))).toBe('charge');
  });

  it('is charged where a value is of another kind than the condition expects', () => {
    expect(verdict('{"code":{"min":1}}', '{ /code: { min: 1 } }')).toBe('charge');
    expect(verdict('{"status":["failed"]}', '{ /status: "fail*" }')).toBe('charge');
  });
});

describe('the answers that are read', () => {
  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'application/graphql-response+json',
    'text/json',
    'application/json-rpc',
    'APPLICATION/JSON',
  ])('include %s', (type) => {
    expect(begin(['content-type', type])).toMatchObject({ kind: 'whole', larger: { kind: 'unread' } });
  });

  it.each([
    [['Content-Type', 'text/event-stream']],
    [['Content-Type', 'application/x-ndjson']],
    [['Content-Type', 'application/json-seq']],
    [['Content-Type', 'text/html']],
    [[]],
    [['Content-Type', 'application/json', 'Content-Encoding', 'gzip']],
    [['Content-Type', 'application/json', 'Content-Type', 'text/html']],
  ])('do not include %j, which is charged', (rawHeaders) => {
    expect(begin(rawHeaders)).toEqual({ kind: 'unread' });
  });

  it('include one that says it is not compressed', () => {
    expect(begin([...JSON_HEAD, 'Content-Encoding', 'identity']).kind).toBe('whole');
  });
});
