import { decodePaymentRequiredHeader } from '@x402/core/http';
import { declareEip2612GasSponsoringExtension, declareErc20ApprovalGasSponsoringExtension } from '@x402/extensions';
import { declareBuilderCodeExtension } from '@x402/extensions/builder-code';
import { describe, expect, it } from 'vitest';
import { parsePathPattern } from '../../../src/config/path-pattern.ts';
import { CallBook } from '../../../src/discovery/calls.ts';
import type { BuilderCode } from '../../../src/domain/builder-code.ts';
import { declareBuilderCode } from '../../../src/protocol/builder-code.ts';
import type { ChallengeSubject } from '../../../src/protocol/challenge.ts';
import { declareGasSponsoring, GAS_SPONSORING } from '../../../src/protocol/gas-sponsoring.ts';
import { compileHeader } from '../../../src/protocol/v2/challenge-header.ts';
import { sponsoringFor } from '../../../src/server/sponsored-approval.ts';
import { exactOffer } from '../../support/exact-evm-payments.ts';
import { uptoOfferOf } from '../../support/upto-payments.ts';

const CODE: BuilderCode = { app: 'my_app', services: ['maps'] };
const SUBJECT: ChallengeSubject = {
  route: 'route',
  description: 'Current weather for a city',
  mimeType: 'application/json',
  offers: [uptoOfferOf(500_000n)],
  identifier: 'off',
  sponsoring: GAS_SPONSORING,
  builderCode: CODE,
};

function headerOf(subject: ChallengeSubject): string {
  return compileHeader(subject)({ url: 'https://api.example.com/v1/chat', method: 'GET', path: '/v1/chat' }, 'pay');
}

function extensionsOf(subject: ChallengeSubject): Readonly<Record<string, unknown>> {
  return decodePaymentRequiredHeader(headerOf(subject)).extensions ?? {};
}

/** The parts of a description for people; the other parts are for machines. */
function withoutWords(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, member) => (key === 'description' ? undefined : member)));
}

/** A subject with so long a description that much has to be left out. */
function long(length: number): ChallengeSubject {
  return { ...SUBJECT, description: 'x'.repeat(length) };
}

describe('A 402', () => {
  it('declares gas sponsoring and the builder code as the official servers do', () => {
    const official: Readonly<Record<string, { readonly schema: unknown }>> = {
      ...declareEip2612GasSponsoringExtension(),
      ...declareErc20ApprovalGasSponsoringExtension(),
    };
    for (const kind of GAS_SPONSORING) {
      expect(withoutWords(declareGasSponsoring(kind, true))).toEqual(withoutWords(official[kind]));
    }
    const coded = declareBuilderCodeExtension('my_app', ['maps']);
    const ours = declareBuilderCode(CODE, true);
    expect(ours['info']).toEqual(coded.info);
    expect(withoutWords(ours['schema'])).toEqual(withoutWords(coded.schema));
  });

  it('leaves out schemas first and the builder code last, and stays within what nginx takes', () => {
    expect(extensionsOf({ ...SUBJECT, sponsoring: [] })).toEqual({ 'builder-code': declareBuilderCode(CODE, true) });
    const short = {
      eip2612GasSponsoring: { info: { version: '1' } },
      erc20ApprovalGasSponsoring: { info: { version: '1' } },
    };
    expect(extensionsOf(long(500))).toEqual({ ...short, 'builder-code': declareBuilderCode(CODE, false) });
    expect(headerOf(long(500)).length).toBeLessThanOrEqual(3500);
    expect(extensionsOf(long(3000))).toEqual(short);
  });

  it('keeps the bazaar extension when only schemas are too much', () => {
    const pattern = parsePathPattern('/v1/chat');
    if (!pattern.ok) throw new Error(pattern.wrong);
    const calls = new CallBook(undefined).callsOf({ pattern: pattern.value, methods: undefined });
    const listing = { pattern: pattern.value, calls, serviceName: undefined, tags: [], iconUrl: undefined };
    const extensions = extensionsOf({ ...long(500), listing });
    expect(Object.keys(extensions).toSorted()).toEqual(['bazaar', 'builder-code', ...GAS_SPONSORING].toSorted());
    expect(extensions['builder-code']).not.toHaveProperty('schema');
  });

  it('declares neither when there is nothing to declare', () => {
    expect(
      decodePaymentRequiredHeader(headerOf({ ...SUBJECT, sponsoring: [], builderCode: undefined })).extensions,
    ).toBe(undefined);
  });
});

describe('A sponsored approval', () => {
  const listed = ['bazaar', ...GAS_SPONSORING];

  it('is declared for payments through Permit2 alone, as far as the facilitator lists it', () => {
    expect(sponsoringFor(uptoOfferOf(1n), listed)).toEqual(GAS_SPONSORING);
    expect(sponsoringFor(uptoOfferOf(1n), ['eip2612GasSponsoring'])).toEqual(['eip2612GasSponsoring']);
    expect(sponsoringFor(uptoOfferOf(1n), ['bazaar'])).toEqual([]);
    expect(sponsoringFor(exactOffer(), listed)).toEqual([]);
  });

  it('needs the domain of the token where the client signs for the token itself', () => {
    expect(sponsoringFor(exactOffer({ transferMethod: 'permit2' }), listed)).toEqual(['erc20ApprovalGasSponsoring']);
  });
});
