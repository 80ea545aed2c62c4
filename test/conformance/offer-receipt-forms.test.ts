import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { encodePaymentSignatureHeader } from '@x402/core/http';
import type { PaymentRequired } from '@x402/core/types';
import {
  extractOffersFromPaymentRequired,
  extractReceiptFromResponse,
  type OfferPayload,
  type ReceiptPayload,
  type SignedOffer,
  type SignedReceipt,
  verifyOfferSignatureEIP712,
  verifyOfferSignatureJWS,
  verifyReceiptSignatureEIP712,
  verifyReceiptSignatureJWS,
} from '@x402/extensions/offer-receipt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { challengeOf, stockFetch } from '../support/buyer.ts';
import { type Devnet, freshPayer, type Payer, signPayment, startDevnet } from '../support/devnet.ts';
import { startEdge, type TestEdge } from '../support/edge.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type McpTestServer, startMcpServer } from '../support/mcp/server.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

let devnet: Devnet;
let upstream: TestUpstream;
let server: McpTestServer;

beforeAll(async () => {
  [devnet, upstream, server] = await Promise.all([startDevnet(), startUpstream(), startMcpServer({ json: true })]);
});

afterAll(() => Promise.all([devnet.close(), upstream.close(), server.close()]));

describe.each(['jws', 'eip712'] as const)('Offers and receipts in the form %s', (format) => {
  let edge: TestEdge;
  let gateway: TestGateway;

  beforeAll(async () => {
    edge = await startEdge(() => gateway.url);
    gateway = await startTestGateway(`publicUrl: ${edge.url}
receipts: { format: ${format} }
${settings(devnet, upstream.url)}routes:
  - { path: /after, price: $0.001 }
  - { path: /named, price: $0.001, paymentIdentifier: optional, keepAnswers: { size: 64KB } }
  - path: /mcp
    upstream: ${server.url}
    mcp: { tools: { search: $0.001, broken: $0.001 } }
`);
  });

  afterAll(async () => {
    await gateway.close();
    edge.close();
  });

  /** Fails for a signature whose key is not in the document of the gateway's host. */
  async function assertOfHost(signer: string): Promise<void> {
    const did: unknown = await (await fetch(`${edge.url}/.well-known/did.json`)).json();
    expect(JSON.stringify(did)).toContain(`"eip155:1:${signer.toLowerCase()}"`);
  }

  async function offered(signed: SignedOffer | undefined): Promise<OfferPayload> {
    expect(signed?.format).toBe(format);
    // The key of a JWS comes from this document as well.
    if (signed?.format === 'jws') return await verifyOfferSignatureJWS(signed);
    if (signed === undefined) throw new Error('no signed offer');
    const { signer, payload } = await verifyOfferSignatureEIP712(signed);
    await assertOfHost(signer);
    return payload;
  }

  async function delivered(signed: SignedReceipt | undefined): Promise<ReceiptPayload> {
    expect(signed?.format).toBe(format);
    if (signed?.format === 'jws') return await verifyReceiptSignatureJWS(signed);
    if (signed === undefined) throw new Error('no signed receipt');
    const { signer, payload } = await verifyReceiptSignatureEIP712(signed);
    await assertOfHost(signer);
    return payload;
  }

  it('are accepted by the official verifier, with a key that the host names', async () => {
    const url = `${gateway.url}/after?q=1`;
    const required = challengeOf(await fetch(url));
    const [signed] = extractOffersFromPaymentRequired(required);
    const resourceUrl = `${edge.url}/after?q=1`;
    const { amount, payTo, asset } = await offered(signed);
    expect(required.accepts[0]).toMatchObject({ amount, payTo, asset });
    const payer = await freshPayer(devnet);
    const response = await stockFetch(payer.key)(url);
    const receipt = await delivered(extractReceiptFromResponse(response));
    expect({ ...receipt, payer: receipt.payer.toLowerCase() }).toMatchObject({
      version: 1,
      network: 'eip155:84532',
      resourceUrl,
      payer: payer.address.toLowerCase(),
    });
  });

  it('come with a kept answer to a buyer who asks again', async () => {
    const payer = await freshPayer(devnet);
    const url = `${gateway.url}/named`;
    const answers: Response[] = [];
    for (let index = 0; index < 2; index += 1) answers.push(await payNamed(payer, url, `order-${payer.address}`));
    const [first, again] = answers;
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    if (first === undefined || again === undefined) throw new Error('no answers');
    const receipts = [first, again].map((answer) => extractReceiptFromResponse(answer));
    const [told, repeated] = [await delivered(receipts[0]), await delivered(receipts[1])];
    expect(repeated).toEqual({ ...told, issuedAt: repeated.issuedAt });
    expect(repeated.resourceUrl).toBe(`${edge.url}/named`);
  });

  it('come with results of MCP, and not with a result that failed', async () => {
    const client = new Client({ name: 'test', version: '1' });
    const transport = new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp`));
    await client.connect(transport as Parameters<Client['connect']>[0]);
    try {
      const payer = await freshPayer(devnet);
      const { required, result } = await buyTool(client, payer, 'search', { query: 'tea' });
      const [signed] = extractOffersFromPaymentRequired(required);
      expect(await offered(signed)).toMatchObject({ resourceUrl: required.resource.url, amount: '1000' });
      const { resourceUrl } = await delivered(receiptIn(result));
      expect(resourceUrl).toBe(required.resource.url);
      const failed = await buyTool(client, payer, 'broken', {});
      expect(failed.result.isError).toBe(true);
      expect(failed.result._meta).toBeUndefined();
    } finally {
      await client.close();
    }
  });
});

async function payNamed(payer: Payer, url: string, id: string): Promise<Response> {
  const required = challengeOf(await fetch(url));
  const [accepted] = required.accepts;
  if (accepted === undefined) throw new Error('a challenge without offers');
  const payment = await signPayment(devnet, payer, accepted);
  const extensions = { 'payment-identifier': { info: { required: false, id } } };
  const header = encodePaymentSignatureHeader({ ...payment, resource: required.resource, extensions });
  return await fetch(url, { headers: { 'PAYMENT-SIGNATURE': header } });
}

/** The result of a tool call. */
interface CallResult {
  readonly isError?: boolean;
  readonly content: readonly { readonly text?: string }[];
  readonly _meta?: Readonly<Record<string, unknown>>;
}

async function buyTool(
  client: Client,
  payer: Payer,
  name: string,
  given: Readonly<Record<string, unknown>>,
): Promise<{ readonly required: PaymentRequired; readonly result: CallResult }> {
  const unpaid = (await client.callTool({ name, arguments: given })) as CallResult;
  const required = JSON.parse(unpaid.content[0]?.text ?? '') as PaymentRequired;
  const [accepted] = required.accepts;
  if (accepted === undefined) throw new Error('a challenge without offers');
  const payment = { ...(await signPayment(devnet, payer, accepted)), resource: required.resource };
  const _meta = { 'x402/payment': payment };
  return { required, result: (await client.callTool({ name, arguments: given, _meta })) as CallResult };
}

function receiptIn({ _meta }: CallResult): SignedReceipt | undefined {
  const told = _meta?.['x402/payment-response'] as
    | { readonly extensions?: { readonly 'offer-receipt'?: { readonly info: { readonly receipt: SignedReceipt } } } }
    | undefined;
  return told?.extensions?.['offer-receipt']?.info.receipt;
}
