import { describe, expect, it } from 'vitest';
import { readCatalogueAnswer } from '../../../../src/facilitator/remote/extension-responses.ts';

const header = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64');

describe('what a catalogue said of a payment', () => {
  it.each(['success', 'processing', 'rejected'])('is read when it is %s', (status) => {
    expect(readCatalogueAnswer(header({ bazaar: { status } }))).toEqual({ status, reason: undefined });
  });

  it('keeps its reason, on one line and bounded', () => {
    const rejectedReason = `the schema\n\u001b[31m${'x'.repeat(1000)}`;
    const reason = readCatalogueAnswer(header({ bazaar: { status: 'rejected', rejectedReason } }))?.reason ?? '';
    expect(reason).toMatch(/^the schema \[31mx+$/);
    expect(reason.length).toBeLessThanOrEqual(300);
  });

  it.each([
    ['nothing', undefined],
    ['an empty object, which means that it was not listed', header({})],
    ['another extension', header({ other: { status: 'success' } })],
    ['a status of another kind', header({ bazaar: { status: 'maybe' } })],
    ['no object', header({ bazaar: 'success' })],
    ['null', header(null)],
    ['no JSON', Buffer.from('{').toString('base64')],
    ['no base64', '%%%'],
    ['too much', header({ bazaar: { status: 'success', rejectedReason: 'x'.repeat(10_000) } })],
  ])('is unknown for %s', (_, value) => {
    expect(readCatalogueAnswer(value)).toBeUndefined();
  });
});
