import { describe, expect, it } from 'vitest';
import { describedRequest } from '../../../src/authz/described-request.ts';
import { QUESTION_FORMS } from '../../../src/authz/question-form.ts';
import type { AskingProxy } from '../../../src/domain/asking-proxy.ts';
import { type RequestHead, requestHead } from '../../../src/domain/request-head.ts';
import { compileTrustedPeers } from '../../../src/proxy/trusted-peers.ts';

type Fields = readonly (readonly [string, string])[];

function described(proxy: AskingProxy, fields: Fields, trusted = '10.0.0.1'): RequestHead {
  const question = requestHead({ method: 'POST', target: '/asked', peer: '10.0.0.1' }, fields);
  return describedRequest(question, QUESTION_FORMS[proxy], { trustedPeers: compileTrustedPeers([trusted]) });
}

const OF_BODY: Fields = [
  ['Content-Length', '5'],
  ['Expect', '100-continue'],
];

describe('the request that a question describes', () => {
  it.each([
    ['nginx', 'X-Original-Method', 'X-Original-URI'],
    ['traefik', 'X-Forwarded-Method', 'X-Forwarded-Uri'],
    ['caddy', 'X-Forwarded-Method', 'X-Forwarded-Uri'],
  ] as const)('is named by %s in fields, which are taken out with those of a body', (proxy, method, target) => {
    const head = described(proxy, [['Host', 'a'], [method, 'PUT'], ...OF_BODY, [target, '/x?y=1'], ['Cookie', 'c=d']]);
    expect(head).toMatchObject({ method: 'PUT', target: '/x?y=1', headers: { host: 'a', cookie: 'c=d' } });
    expect(head.rawHeaders).toEqual(['Host', 'a', 'Cookie', 'c=d']);
    expect(Object.keys(head.headers)).toEqual(['host', 'cookie']);
  });

  it('is that of the question for envoy', () => {
    const head = described('envoy', [['X-Forwarded-Uri', '/other'], ...OF_BODY]);
    expect(head).toMatchObject({ method: 'POST', target: '/asked', rawHeaders: ['X-Forwarded-Uri', '/other'] });
  });

  it.each([
    [
      'twice',
      [
        ['X-Original-URI', '/a'],
        ['x-original-uri', '/b'],
      ],
    ],
    ['not at all', [['X-Forwarded-Uri', '/a']]],
    ['with nothing', [['X-Original-URI', '']]],
  ] as const)('is none where a question names it %s', (_how, fields) => {
    expect(() => described('nginx', [['X-Original-Method', 'GET'], ...fields])).toThrow('exactly one x-original-uri');
  });

  it('is told to nobody but trusted proxies', () => {
    expect(() => described('envoy', [], '10.0.0.2')).toThrow('Only a proxy');
  });
});
