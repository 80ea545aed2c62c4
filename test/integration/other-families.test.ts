import { encodePaymentSignatureHeader } from '@x402/core/http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { familyVectors } from '../conformance/family-vectors/vectors.ts';
import { challengeOf, settlementOf } from '../support/buyer.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type ScriptedFacilitator, startScriptedFacilitator } from '../support/scripted-facilitator.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const PAYEE = 'GA5ZSEJYB37JRC5AVCIA5MOP4RHTM335X2KGX3IHOJAPP5RE34K4KZVN';
const PAYER = 'GB5ZSEJYB37JRC5AVCIA5MOP4RHTM335X2KGX3IHOJAPP5RE34K4KZVA';
const TRANSACTION = 'ab'.repeat(32);

let facilitator: ScriptedFacilitator;
let upstream: TestUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  const kind = { x402Version: 2, scheme: 'exact', network: 'stellar:pubnet', extra: { areFeesSponsored: true } };
  [facilitator, upstream] = await Promise.all([startScriptedFacilitator([kind]), startUpstream()]);
  gateway = await startTestGateway(`upstream: ${upstream.url}
payTo: "${PAYEE}"
accepts: [stellar]
store: memory
facilitator: { url: "${facilitator.url}" }
routes: [{ path: /paid, price: $0.01 }]
`);
});

afterAll(async () => {
  await gateway?.close();
  await Promise.all([facilitator?.close(), upstream?.close()]);
});

async function pay(payload: object): Promise<Response> {
  const [accepted] = challengeOf(await fetch(`${gateway.url}/paid`)).accepts;
  const header = encodePaymentSignatureHeader({ x402Version: 2, accepted, payload } as never);
  return await fetch(`${gateway.url}/paid`, { headers: { 'PAYMENT-SIGNATURE': header } });
}

function agree(payer: string | undefined): void {
  const settled = { success: true, transaction: TRANSACTION, network: 'stellar:pubnet', payer };
  facilitator.next('verify', { kind: 'say', text: JSON.stringify({ isValid: true, payer }) });
  facilitator.next('settle', { kind: 'say', text: JSON.stringify(settled) });
}

describe('a network that only a facilitator can read', () => {
  it('is quoted in its own decimals, with the extra fields of the facilitator', async () => {
    const { accepts } = challengeOf(await fetch(`${gateway.url}/paid`));
    expect(accepts).toMatchObject([{ amount: '100000', payTo: PAYEE, extra: { areFeesSponsored: true } }]);
  });

  it('accepts a payment of the payer that its facilitator names, once, in whatever envelope', async () => {
    agree(PAYER);
    const { payload, same = {} } = familyVectors.stellar;
    const paid = await pay(payload);
    expect(paid.status).toBe(200);
    expect(settlementOf(paid)).toMatchObject({ success: true, transaction: TRANSACTION, payer: PAYER });
    const settled = facilitator.requests.filter(({ endpoint }) => endpoint === 'settle').length;
    const copies = [{ ...payload, note: 'another' }, ...Object.values(same)];
    // The gateway cannot tell the payer of another payload, so that its facilitator is asked again.
    const valid = { kind: 'say', text: JSON.stringify({ isValid: true, payer: PAYER }) } as const;
    facilitator.next('verify', ...copies.map(() => valid));
    const again = await Promise.all([payload, ...copies].map(pay));
    expect(again.map(({ status }) => status)).toEqual(again.map(() => 409));
    expect(facilitator.requests.filter(({ endpoint }) => endpoint === 'settle')).toHaveLength(settled);
  });

  it('serves no payment without a payer named by its facilitator', async () => {
    const seen = upstream.seen.length;
    agree(undefined);
    const refused = await pay(familyVectors.stellar.other['the next payment'] ?? {});
    expect(await refused.json()).toMatchObject({ code: 'facilitator_invalid_answer' });
    expect(upstream.seen).toHaveLength(seen);
  });

  it('refuses a payload without a transaction before it asks the facilitator', async () => {
    const asked = (): number => facilitator.requests.filter(({ endpoint }) => endpoint !== 'supported').length;
    const before = asked();
    const none = [{}, { transaction: '' }, { transaction: 'not base64!' }, { transaction: 7 }];
    for (const payload of [...none, ...Object.values(familyVectors.stellar.refused ?? {})])
      expect((await pay(payload)).status).toBe(400);
    expect(asked()).toBe(before);
  });
});
