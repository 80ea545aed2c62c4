import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { KeyPairSigner } from '@solana/kit';
import { x402Facilitator } from '@x402/core/facilitator';
import { toFacilitatorSvmSigner } from '@x402/svm';
import { ExactSvmScheme } from '@x402/svm/exact/facilitator';
import { SVM_NETWORK } from './local-chain.ts';

/** The official facilitator code for Solana behind HTTP. */
export interface OfficialSvmFacilitator {
  readonly url: string;
  readonly calls: { verify: number; settle: number };
  /** What it answers in the place of the next call of an endpoint; `undefined`: the connection breaks after the work. */
  next: { verify?: object | 'broken'; settle?: object | 'broken' };
  /** Pays the fees with other accounts from now on, and still with the ones before. */
  rotate(signer: KeyPairSigner): void;
  close(): Promise<void>;
}

/** Starts it on a chain. */
export async function startOfficialSvm(rpcUrl: string, first: KeyPairSigner): Promise<OfficialSvmFacilitator> {
  const signers = [first];
  const facilitators = [open(rpcUrl, signers, 0)];
  const calls = { verify: 0, settle: 0 };
  const next: OfficialSvmFacilitator['next'] = {};
  const current = (): x402Facilitator => facilitators.at(-1) ?? open(rpcUrl, signers, 0);
  const handle = async (request: IncomingMessage): Promise<object | 'broken'> => {
    if (request.url === '/supported') return current().getSupported();
    const { paymentPayload, paymentRequirements } = await readBody(request);
    const endpoint = request.url === '/verify' ? 'verify' : 'settle';
    calls[endpoint] += 1;
    const told = next[endpoint];
    delete next[endpoint];
    if (typeof told === 'object') return told;
    const answer = await current()[endpoint](paymentPayload, paymentRequirements);
    return told ?? answer;
  };
  const server = createServer((request, response) => {
    handle(request).then(
      (answer) => {
        if (answer === 'broken') response.socket?.destroy();
        else response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
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
    calls,
    next,
    rotate(signer) {
      signers.push(signer);
      facilitators.push(open(rpcUrl, signers, signers.length - 1));
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** @param stated the account of which `/supported` speaks; the official code chooses one at random */
function open(rpcUrl: string, signers: readonly KeyPairSigner[], stated: number): x402Facilitator {
  const own = signers.map((signer) => toFacilitatorSvmSigner(signer, { defaultRpcUrl: rpcUrl }));
  const all = signers.map(({ address }) => address);
  const signerOf = (feePayer: (typeof all)[number]) => own[all.indexOf(feePayer)] ?? own[0];
  const [base] = own;
  if (base === undefined) throw new Error('a facilitator without a signer');
  const many = {
    ...base,
    getAddresses: () => all,
    signTransaction: (...args: Parameters<typeof base.signTransaction>) =>
      (signerOf(args[1]) ?? base).signTransaction(...args),
  };
  const exact = new ExactSvmScheme(many);
  exact.getExtra = () => ({ feePayer: all[stated] });
  return new x402Facilitator().register(SVM_NETWORK, exact);
}

async function readBody(request: IncomingMessage): Promise<{ paymentPayload: never; paymentRequirements: never }> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}
