import { describe, expect, it } from 'vitest';
import { requestHead } from '../../../src/domain/request-head.ts';
import { refusePartialAnswer } from '../../../src/metering/partial-answer.ts';

const PATH = '/v1beta/models/g:generateContent';
const REFUSED = expect.objectContaining({ code: 'request_unmetered' });

function asking(target: string, headers: readonly (readonly [string, string])[] = []): () => void {
  return () => refusePartialAnswer(requestHead({ method: 'POST', target }, headers));
}

describe('A request that has the API leave its usage out', () => {
  it.each([
    'fields=candidates',
    '$fields=candidates',
    '%24fields=candidates',
    'key=k&f%69elds=candidates,usageMetadata',
    'key=k;fields=candidates',
    'Fields=candidates',
    'alt=proto',
    '$alt=media',
    'alt=sse&alt=proto',
    'callback=f',
    '$callback=f',
    '$httpHeaders=X-Goog-FieldMask%3Acandidates',
    '$ct=application/x-protobuf',
    '$select=choices',
    'fields',
    '%zz&fields=a',
  ])('is refused with the query %j', (query) => {
    expect(asking(`${PATH}?${query}`)).toThrow(REFUSED);
  });

  it.each<[string, string]>([
    ['X-Goog-FieldMask', 'candidates'],
    ['x-goog-fieldmask', ''],
    ['Accept', 'application/x-protobuf'],
    ['Content-Type', 'application/x-protobuf'],
  ])('is refused with the header %s: %s', (name, value) => {
    expect(asking(PATH, [[name, value]])).toThrow(REFUSED);
  });
});

describe('A request that changes nothing of its answer', () => {
  it.each([
    PATH,
    `${PATH}?`,
    `${PATH}?alt=sse`,
    `${PATH}?alt=json&key=k`,
    `${PATH}?alt`,
    `${PATH}?prettyPrint=false&$prettyPrint=false&$.xgafv=2&quotaUser=u`,
    '/v1/messages?beta=true',
    '/openai/deployments/m/chat/completions?api-version=2024-10-21',
    '/v1/chat/completions?fieldset=1&x=fields',
  ])('passes: %s', (target) => {
    expect(asking(target, [['Accept', 'application/json, text/event-stream']])).not.toThrow();
  });
});
