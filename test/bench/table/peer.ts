import { request } from 'undici';
import { openPaymentSigner, payerFor } from '../payment-signer.ts';
import type { Contest, Partner } from '../suite.ts';
import type { Workbench } from '../workbench.ts';

/** The name of the side of `--peer`. */
export const PEER = 'peer';

/** What another make answers is its own: it is held to the status alone. */
const scaleOnly = async (): Promise<undefined> => undefined;

/** Puts equal requests to the peer into a contest, where there is one. */
export function besidePeer(bench: Workbench, contest: Contest, path: string, status = 200): Contest {
  const { peer } = bench;
  if (peer === undefined) return contest;
  return withPartner(contest, { ...bench.side(PEER, peer.url + path, status, scaleOnly), pid: peer.pid });
}

/** The same with calls that a payment for a day opens: the payment is sent again with every call. */
export async function besidePeerForADay(bench: Workbench, contest: Contest): Promise<Contest> {
  const { peer } = bench;
  if (peer === undefined) return contest;
  const url = `${peer.url}/timed`;
  const [payment = ''] = (await payerFor(url, await openPaymentSigner()))(1);
  const headers = { 'PAYMENT-SIGNATURE': payment };
  const { statusCode, body } = await request(url, { headers });
  await body.dump();
  if (statusCode !== 200) throw new Error(`${url} was paid for and answered ${statusCode}`);
  return withPartner(contest, { ...bench.sideWith(PEER, url, { headers }), probe: scaleOnly, pid: peer.pid });
}

function withPartner(contest: Contest, partner: Partner): Contest {
  return { ...contest, partners: [...contest.partners, partner] };
}
