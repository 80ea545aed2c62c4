import type { Plan } from '../domain/plan.ts';
import { loadDigestSigner } from '../evm/digest-signer.ts';
import { loadKeccak256 } from '../evm/keccak.ts';
import { didDocument, didOf } from '../protocol/offer-receipt/did-document.ts';
import { Eip712Key } from '../protocol/offer-receipt/eip712-key.ts';
import { JwsKey } from '../protocol/offer-receipt/jws-key.ts';
import { OfferReceipts } from '../protocol/offer-receipt/offer-receipts.ts';

/**
 * Prepares the signer of a plan's offers and receipts; `undefined` where nothing is signed.
 *
 * The keys of every secret are published in both forms, including those of the store's secret: what was signed before a
 * change of secret or form can still be checked.
 *
 * @param storeSecret the secret that all processes on the store share
 * @throws GatewayError `store_unavailable`
 */
export async function openReceipts(
  { receipts, publicUrl }: Pick<Plan, 'receipts' | 'publicUrl'>,
  storeSecret: () => Promise<string>,
  clock: () => number,
): Promise<OfferReceipts | undefined> {
  if (receipts === undefined || publicUrl === undefined) return undefined;
  const did = didOf(publicUrl);
  const keccak256 = await loadKeccak256();
  const ofStore = await storeSecret();
  const keysOf = (secret: string): Keys => {
    return { jws: new JwsKey(secret, did), eip712: new Eip712Key(secret, did, keccak256) };
  };
  const [newest = ofStore] = receipts.keys;
  const signing = keysOf(newest);
  const published = [...new Set([newest, ...receipts.keys, ofStore])].map(keysOf);
  const methods = published.flatMap(({ jws, eip712 }) => [jws.method, eip712.method]);
  const byTypedData = receipts.format === 'eip712';
  const eip712 = byTypedData ? signing.eip712.signer(await loadDigestSigner(), keccak256) : undefined;
  return new OfferReceipts({ document: didDocument(did, methods), jws: signing.jws, eip712 }, clock);
}

/** The keys made from one secret. */
interface Keys {
  readonly jws: JwsKey;
  readonly eip712: Eip712Key;
}
