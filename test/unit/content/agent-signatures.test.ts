import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AgentSignatures } from '../../../src/content/agent-signatures.ts';
import type { SignedRequest } from '../../../src/content/signature-base.ts';
import type { KnownAgent } from '../../../src/domain/known-agent.ts';
import { newAgent, type Signing, signatureOf } from '../../support/agents/signing-agent.ts';
import { VECTOR_KEYS, VECTORS } from '../../support/agents/vectors.ts';
import { planOf, route } from '../../support/config/load.ts';

const NOW = 1_800_000_000_000;
const S = NOW / 1000;
const OURS = newAgent('https://agent.example');
const OTHER = newAgent('https://other.example');

function known(...agents: readonly { readonly origin: string; readonly directory: object }[]): readonly KnownAgent[] {
  const listed = agents.map(({ origin, directory }) => ({ agent: origin, keys: directory }));
  return planOf(`agents: ${JSON.stringify(listed)}\n${route('price: $1')}`).agents;
}

const CHECKER = new AgentSignatures(known(OURS, OTHER), () => NOW);

type Fields = Readonly<Record<string, string>>;

function requestWith(fields: Fields, changes: Partial<SignedRequest> = {}): SignedRequest {
  return {
    method: 'GET',
    origin: 'https://api.example.com',
    path: '/v1/news',
    query: '?day=1',
    rawHeaders: ['Host', 'gw', ...Object.entries(fields).flat()],
    ...changes,
  };
}

const GOOD: Signing = { covers: { '"@authority"': 'api.example.com' }, created: S - 10, expires: S + 60 };

const check = (fields: Fields, changes?: Partial<SignedRequest>) => CHECKER.check(requestWith(fields, changes));

function whyRefused(signing: Partial<Signing>, fields: Fields = {}, changes?: Partial<SignedRequest>): string {
  const checked = check({ ...signatureOf(OURS, { ...GOOD, ...signing }), ...fields }, changes);
  return checked.kind === 'refused' ? checked.why : checked.kind;
}

describe('a signature of the drafts', () => {
  const origin = 'https://signature-agent.test';
  const agents = known({ origin, directory: { keys: Object.values(VECTOR_KEYS) } });

  it.each(VECTORS.map((vector, index) => [index, vector] as const))('is good: %i', (_index, vector) => {
    const { signatureInput, signature, signatureAgent, createdMs } = vector;
    const checker = new AgentSignatures(agents, () => createdMs);
    const fields = {
      'Signature-Input': signatureInput,
      Signature: signature,
      ...(signatureAgent !== undefined && { 'Signature-Agent': signatureAgent }),
    };
    const request = requestWith(fields, { origin: 'https://example.com', path: '/path/to/resource', query: '' });
    expect(checker.check(request)).toEqual({ kind: 'verified', agent: origin });
    expect(checker.check({ ...request, origin: 'https://example.org' }).kind).toBe('refused');
    const without = { ...fields, Signature: signature.replace(/:./, (start) => (start === ':A' ? ':B' : ':A')) };
    expect(checker.check({ ...request, rawHeaders: Object.entries(without).flat() }).kind).toBe('refused');
  });

  it('are eight, by both kinds of key, with and without Signature-Agent in both of its forms', () => {
    const forms = VECTORS.map(({ key, signatureAgent }) => `${key} ${signatureAgent?.split('"')[0] ?? 'none'}`);
    expect(new Set(forms).size).toBe(6);
    expect(VECTORS).toHaveLength(8);
  });
});

describe('an agent that signs', () => {
  it('is verified by the authority alone, and by whatever else it covers of the request', () => {
    expect(check(signatureOf(OURS, GOOD))).toEqual({ kind: 'verified', agent: OURS.origin });
    const covers = {
      '"@method"': 'GET',
      '"@authority"': 'api.example.com',
      '"@scheme"': 'https',
      '"@target-uri"': 'https://api.example.com/v1/news?day=1',
      '"@path"': '/v1/news',
      '"@query"': '?day=1',
      '"x-thing"': 'one, two',
      '"x-map";key="b"': '"2";q',
      '"signature-agent";key="a"': '"https://agent.example"',
    };
    const fields = {
      'X-Thing': 'one, two',
      'X-Map': 'a=1, b="2";q',
      'Signature-Agent': 'a="https://agent.example", z="https://other.example"',
    };
    expect(check({ ...signatureOf(OURS, { ...GOOD, covers }), ...fields }).kind).toBe('verified');
  });

  it('is verified for the authority without the port of its scheme, and with any other', () => {
    const at = (authority: string): Fields => signatureOf(OURS, { ...GOOD, covers: { '"@authority"': authority } });
    expect(check(at('api.example.com'), { origin: 'https://api.example.com:443' }).kind).toBe('verified');
    expect(check(at('api.example.com:8443'), { origin: 'https://api.example.com:8443' }).kind).toBe('verified');
    expect(check(at('api.example.com'), { origin: 'https://api.example.com:8443' }).kind).toBe('refused');
  });

  it('is verified for the whole URL in place of the authority', () => {
    const covers = { '"@target-uri"': 'https://api.example.com/v1/news?day=1' };
    expect(check(signatureOf(OURS, { ...GOOD, covers })).kind).toBe('verified');
    expect(check(signatureOf(OURS, { ...GOOD, covers }), { origin: 'https://api.example.com:443' }).kind).toBe(
      'verified',
    );
  });

  it('is verified by one of several signatures, in one field or in two', () => {
    const wrong = signatureOf(OURS, { ...GOOD, label: 'a', expires: S - 1 });
    const foreign = signatureOf(OTHER, { ...GOOD, label: 'b', tag: 'something-else' });
    const good = signatureOf(OURS, { ...GOOD, label: 'c' });
    const all = [wrong, foreign, good];
    const joined = (name: 'Signature' | 'Signature-Input') => all.map((each) => each[name]).join(', ');
    expect(check({ Signature: joined('Signature'), 'Signature-Input': joined('Signature-Input') }).kind).toBe(
      'verified',
    );
    const rawHeaders = all.flatMap((each) => Object.entries(each)).flat();
    expect(check({}, { rawHeaders }).kind).toBe('verified');
  });

  it('counts as unsigned with another tag than that of Web Bot Auth, or without a signature', () => {
    expect(check({})).toEqual({ kind: 'unsigned' });
    expect(check(signatureOf(OURS, { ...GOOD, tag: 'web-bot' }))).toEqual({ kind: 'unsigned' });
  });
});

describe('a signature is not taken', () => {
  it.each<[string, Partial<Signing>]>([
    ['its time is over', { expires: S }],
    ['its time is over', { created: S - 10, expires: S - 20 }],
    ['it was made in the future', { created: S + 120, expires: S + 600 }],
    ['it is more than a day old', { created: S - 86_401, expires: S + 600 }],
    ['it covers neither @authority nor @target-uri', { covers: { '"@path"': '/v1/news' } }],
    ['it covers neither @authority nor @target-uri', { covers: {} }],
    ['it does not fit the request', { covers: { '"@target-uri"': 'https://evil.example/v1/news?day=1' } }],
    ['it does not fit the request', { covers: { '"@target-uri"': 'https://api.example.com/v1/news?day=2' } }],
    ['it does not fit the request', { covers: { '"@target-uri"': 'http://api.example.com/v1/news?day=1' } }],
    ['it does not fit the request', { covers: { '"@authority"': 'evil.example' } }],
    ['it does not fit the request', { covers: { '"@authority"': 'api.example.com', '"@method"': 'POST' } }],
    ['it covers something that is not understood', { covers: { '"@authority";req': 'api.example.com' } }],
    [
      'it covers something that is not understood',
      { covers: { '"@authority"': 'api.example.com', '"host";bs': ':Z3c=:' } },
    ],
    [
      'it covers something that the request does not have',
      { covers: { '"@authority"': 'api.example.com', '"x-no"': '' } },
    ],
    [
      'it covers something that the request does not have',
      { covers: { '"@authority"': 'api.example.com', '"@status"': '200' } },
    ],
    ['it names another algorithm than its key', { more: ';alg="rsa-pss-sha512"' }],
  ])('because %s: %j', (why, signing) => expect(whyRefused(signing)).toBe(why));

  it('that covers something twice, which could have two values', () => {
    const [name, input] = ['sig1', '("@authority" "@authority")'];
    const signed = signatureOf(OURS, GOOD);
    const twice = signed['Signature-Input'].replace(`${name}=("@authority")`, `${name}=${input}`);
    expect(check({ ...signed, 'Signature-Input': twice })).toMatchObject({
      why: 'it covers something that is not understood',
    });
  });

  it('that says nothing of its time', () => {
    const { Signature, 'Signature-Input': input } = signatureOf(OURS, GOOD);
    for (const missing of [/;created=\d+/, /;expires=\d+/]) {
      expect(check({ Signature, 'Signature-Input': input.replace(missing, '') })).toMatchObject({
        why: 'it does not say from when to when it is good',
      });
    }
  });

  it('of an agent that is not known, or whose keys are not in force', () => {
    const stranger = newAgent('https://agent.example');
    expect(check(signatureOf(stranger, GOOD))).toMatchObject({ why: 'no agent in the configuration has its key' });
    for (const bound of [{ exp: S }, { nbf: S + 1 }]) {
      const keys = OURS.directory.keys.map((key) => ({ ...key, ...bound }));
      const checker = new AgentSignatures(known({ origin: OURS.origin, directory: { keys } }), () => NOW);
      expect(checker.check(requestWith(signatureOf(OURS, GOOD)))).toMatchObject({
        why: 'the time of its key is over or to come',
      });
    }
  });

  it('that does not cover a Signature-Agent that was sent, or covers one of another agent', () => {
    const covers = { '"@authority"': 'api.example.com' };
    const sent = { 'Signature-Agent': '"https://agent.example"' };
    expect(whyRefused({}, sent)).toBe('it does not cover Signature-Agent');
    const other = { 'Signature-Agent': '"https://other.example"' };
    const signing = { covers: { ...covers, '"signature-agent"': other['Signature-Agent'] } };
    expect(whyRefused(signing, other)).toBe('Signature-Agent names another agent than its key');
    const member = { covers: { ...covers, '"signature-agent";key="b"': '"https://other.example"' } };
    expect(whyRefused(member, { 'Signature-Agent': 'a="https://agent.example", b="https://other.example"' })).toBe(
      'Signature-Agent names another agent than its key',
    );
  });

  it('of which a covered field was changed on the way', () => {
    const signing = { covers: { '"@authority"': 'api.example.com', '"x-thing"': 'one' } };
    expect(whyRefused(signing, { 'X-Thing': 'one' })).toBe('verified');
    expect(whyRefused(signing, { 'X-Thing': 'two' })).toBe('it does not fit the request');
    expect(whyRefused(signing, { 'X-Thing': 'one', 'x-thing': 'two' })).toBe('it does not fit the request');
  });

  it('among too many, or in fields of any length', () => {
    const labels = ['a', 'b', 'c', 'd', 'e'];
    const all = labels.map((label) => signatureOf(OURS, { ...GOOD, label, expires: S - 1 }));
    expect(check({}, { rawHeaders: all.flatMap((each) => Object.entries(each)).flat() })).toMatchObject({
      why: 'there are too many',
    });
    expect(whyRefused({ more: `;nonce="${'x'.repeat(5000)}"` })).toBe('its fields are too long');
  });
});

describe('any text in the signature fields', () => {
  it('is judged without an exception', () => {
    const good = signatureOf(OURS, GOOD);
    const piece = fc.constantFrom(
      'sig1',
      '=',
      '(',
      ')',
      '"@authority"',
      ';',
      'tag',
      '"web-bot-auth"',
      ':',
      ',',
      '*',
      '\xff',
      'A=',
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(piece).map((parts) => parts.join('')),
      fc.constant(good['Signature-Input']),
    );
    fc.assert(
      fc.property(text, text, text, (input, signature, agent) => {
        const { kind } = check({ 'Signature-Input': input, Signature: signature, 'Signature-Agent': agent });
        expect(['unsigned', 'refused']).toContain(kind);
      }),
      { numRuns: 2000 },
    );
  });

  it('does not verify when one character of a good signature is changed', () => {
    const good = signatureOf(OURS, GOOD);
    const names = ['Signature-Input', 'Signature'] as const;
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.nat(), fc.constantFrom(...'aZ09"=();:+/'), (name, at, by) => {
        const text = good[name];
        const index = at % text.length;
        const changed = `${text.slice(0, index)}${by}${text.slice(index + 1)}`;
        fc.pre(changed !== text);
        // The last digit of 64 bytes in base64 has four bits that mean nothing.
        const isSame = name === 'Signature' && index === text.length - 4;
        if (!isSame) expect(check({ ...good, [name]: changed }).kind).not.toBe('verified');
      }),
      { numRuns: 2000 },
    );
  });
});
