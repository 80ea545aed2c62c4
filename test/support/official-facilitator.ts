import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { x402Facilitator } from '@x402/core/facilitator';
import type { FacilitatorExtension, Network, PaymentPayload, PaymentRequirements } from '@x402/core/types';
import { toFacilitatorEvmSigner } from '@x402/evm';
import { ExactEvmScheme } from '@x402/evm/exact/facilitator';
import { ExactEvmSchemeV1 } from '@x402/evm/exact/v1/facilitator';
import { UptoEvmScheme } from '@x402/evm/upto/facilitator';
import { extractDiscoveryInfo } from '@x402/extensions/bazaar';
import { createWalletClient, defineChain, type Hex, http, publicActions, type TypedData } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { createNonceManager, jsonRpc } from 'viem/nonce';

/** The official facilitator code behind HTTP, on a local chain. */
export interface OfficialFacilitator {
  readonly url: string;
  /** What it would list of the payments that it verified: URL or template of the route, and how it is called. */
  readonly catalogue: readonly { readonly resourceUrl: string; readonly discoveryInfo: unknown }[];
  /** How often each endpoint has been called. */
  readonly calls: { readonly verify: number; readonly settle: number };
  /** What becomes of the next call of an endpoint: its connection is cut. */
  readonly next: { verify?: 'broken' };
  /** Lists and takes one more extension from now on. */
  learn(extension: FacilitatorExtension): void;
  close(): Promise<void>;
}

/** How facilitators tell a server that its route was listed. */
const LISTED = Buffer.from(JSON.stringify({ bazaar: { status: 'success' } })).toString('base64');
const BASE_SEPOLIA = 84532;
/** Its x402 v1 name; the official type of a network knows only CAIP-2. */
const BASE_SEPOLIA_V1: string = 'base-sepolia';

/**
 * Starts the official facilitator: `exact` and `upto` on the chain behind `rpcUrl`, and its v1 form on Base Sepolia's chain id.
 *
 * @param options.key private key of a funded account: it pays the gas.
 * @param options.extensions those that it lists and takes. Default: none
 */
export async function startOfficialFacilitator(options: {
  readonly rpcUrl: string;
  readonly key: Hex;
  readonly extensions?: readonly FacilitatorExtension[];
}): Promise<OfficialFacilitator> {
  const calls = { verify: 0, settle: 0 };
  const next: OfficialFacilitator['next'] = {};
  const catalogue: { resourceUrl: string; discoveryInfo: unknown; payTo: string }[] = [];
  const facilitator = await openOfficial(options.rpcUrl, options.key);
  for (const extension of options.extensions ?? []) facilitator.registerExtension(extension);
  const handle = async (request: IncomingMessage): Promise<unknown> => {
    if (request.url === '/supported') return facilitator.getSupported();
    if (request.url?.startsWith('/discovery/resources') === true)
      return page(catalogue, new URL(request.url, 'http://a'));
    const { paymentPayload, paymentRequirements } = await readBody(request);
    if (request.url === '/verify') {
      calls.verify += 1;
      const found = extractDiscoveryInfo(paymentPayload, paymentRequirements);
      if (found !== null) catalogue.push({ ...found, payTo: paymentRequirements.payTo });
      return await facilitator.verify(paymentPayload, paymentRequirements);
    }
    calls.settle += 1;
    return await facilitator.settle(paymentPayload, paymentRequirements);
  };
  const server = createServer((request, response) => {
    if (request.url === '/verify' && next.verify === 'broken') {
      delete next.verify;
      request.socket.destroy();
      return;
    }
    handle(request).then(
      (answer) => {
        if (request.url !== '/supported') response.setHeader('extension-responses', LISTED);
        response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
      },
      (error: unknown) => {
        response.statusCode = 500;
        response.end(JSON.stringify({ error: String(error) }));
      },
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    catalogue,
    calls,
    next,
    learn: (extension) => facilitator.registerExtension(extension),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The official facilitator code itself, without HTTP: `exact` and `upto` on the chain behind `rpcUrl`. */
export async function openOfficial(rpcUrl: string, key: Hex): Promise<x402Facilitator> {
  // Receipts are polled for, and a local chain mines at once.
  const unnamed = createWalletClient({ transport: http(rpcUrl) }).extend(publicActions);
  const id = await unnamed.getChainId();
  const chain = defineChain({
    id,
    name: 'local',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  });
  // viem's own manager would go on with the numbers of another chain of this process.
  const account = privateKeyToAccount(key, { nonceManager: createNonceManager({ source: jsonRpc() }) });
  const client = createWalletClient({ account, chain, transport: http(rpcUrl), pollingInterval: 50 }).extend(
    publicActions,
  );
  const signer = toFacilitatorEvmSigner({
    address: account.address,
    getCode: (args) => client.getCode(args),
    readContract: (args) => client.readContract(args),
    verifyTypedData: (args) => client.verifyTypedData({ ...args, types: args.types as TypedData }),
    writeContract: (args) => client.writeContract(args),
    sendTransaction: (args) => client.sendTransaction(args),
    waitForTransactionReceipt: (args) => client.waitForTransactionReceipt(args),
  });
  const facilitator = new x402Facilitator()
    .register(`eip155:${id}`, new ExactEvmScheme(signer))
    .register(`eip155:${id}`, new UptoEvmScheme(signer));
  if (id !== BASE_SEPOLIA) return facilitator;
  return facilitator.registerV1(BASE_SEPOLIA_V1 as Network, new ExactEvmSchemeV1(signer));
}

/** A page of the catalogue, in the form of the official client. */
function page(
  catalogue: readonly { readonly resourceUrl: string; readonly payTo: string }[],
  { searchParams }: URL,
): object {
  const [payTo, offset, limit] = ['payTo', 'offset', 'limit'].map((name) => searchParams.get(name));
  const items = catalogue
    .filter((entry) => entry.payTo === payTo)
    .map(({ resourceUrl }) => ({ resource: resourceUrl, type: 'http' }));
  return { x402Version: 2, items: items.slice(Number(offset), Number(offset) + Number(limit)) };
}

/** The official server code does no more than this with a body; its own checks follow in the schemes. */
async function readBody(
  request: IncomingMessage,
): Promise<{ paymentPayload: PaymentPayload; paymentRequirements: PaymentRequirements }> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}
