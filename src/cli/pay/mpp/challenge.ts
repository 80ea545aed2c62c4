import type { AssetTable } from '../../../config/asset-table.ts';
import { isJsonObject } from '../../../domain/payment.ts';
import { isCredentialField } from '../../../domain/protocol-setting.ts';
import type { JsonObject } from '../../../domain/x402.ts';
import { checksumAddress } from '../../../evm/checksum.ts';
import { readJsonBytes } from '../../../protocol/header-json.ts';
import { paymentParts } from '../../../protocol/mpp/auth-list.ts';
import { decodeBase64url } from '../../../protocol/mpp/base64url.ts';
import { CREDENTIAL_TYPE, INTENT, METHOD, readChargeRequest } from '../../../protocol/mpp/charge-request.ts';
import type { PayableOffer } from '../payable-offer.ts';

/** A challenge of MPP that an account can pay: `evm`/`charge` by an authorization of EIP-3009. */
export interface PayableChallenge {
  /** All of its parameters as they came: a credential brings them back. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly id: string;
  readonly realm: string;
  readonly description: string | undefined;
  /** The field that the credential goes into. */
  readonly header: string;
  readonly chainId: number;
  /** Unix seconds. */
  readonly expiresAt: number;
  readonly offer: PayableOffer;
}

/** How long a challenge without an end is taken to be good, in seconds. */
const DEFAULT_LIFETIME_SECONDS = 300;
const PARAMETER = /\s*([A-Za-z][A-Za-z0-9_-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*(?:,|$)/y;

/**
 * The payable challenges of a response, in its order. Left out are challenges of other methods, with split payments,
 * without an amount, and those that have expired.
 *
 * @param now Unix milliseconds
 */
export function payableChallenges(headers: Headers, table: AssetTable, now: number): readonly PayableChallenge[] {
  return paymentParts(headers.get('www-authenticate') ?? '').flatMap((text) => {
    const parameters = readParameters(text);
    return (parameters && readChallenge(parameters, table, Math.floor(now / 1000))) ?? [];
  });
}

/** `undefined` for what is no list of parameters, each there once. */
function readParameters(text: string): ReadonlyMap<string, string> | undefined {
  const found = new Map<string, string>();
  const pattern = new RegExp(PARAMETER);
  while (pattern.lastIndex < text.length) {
    const [, name, quoted, token] = pattern.exec(text) ?? [];
    if (name === undefined || found.has(name)) return undefined;
    found.set(name, token ?? unescaped(quoted ?? ''));
  }
  return found;
}

/** `\uXXXX` is how servers write what is no ASCII. */
function unescaped(quoted: string): string {
  return quoted.replaceAll(/\\(?:u([0-9a-fA-F]{4})|(.))/g, (_, code: string | undefined, sign: string) =>
    code === undefined ? sign : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

function readChallenge(
  parameters: ReadonlyMap<string, string>,
  table: AssetTable,
  now: number,
): PayableChallenge | undefined {
  const [id, realm, request] = ['id', 'realm', 'request'].map((name) => parameters.get(name));
  if (id === undefined || id === '' || realm === undefined || request === undefined) return undefined;
  if (parameters.get('method') !== METHOD || parameters.get('intent') !== INTENT) return undefined;
  const header = parameters.get('header') ?? 'Authorization';
  const expires = parameters.get('expires');
  const expiresAt = expires === undefined ? now + DEFAULT_LIFETIME_SECONDS : Math.floor(Date.parse(expires) / 1000);
  if (!isCredentialField(header) || !(expiresAt > now)) return undefined;
  const charge = readChargeRequest(request);
  if (charge === undefined || charge.amount === 0n || !takesAuthorization(request)) return undefined;
  const { chainId, currency, recipient, amount } = charge;
  const networkId = `eip155:${chainId}`;
  const network = table.find(networkId);
  return {
    ...{ parameters, id, realm, header, chainId, expiresAt, description: parameters.get('description') },
    offer: {
      amount,
      assetAddress: currency,
      asset: network?.assets.find(({ address }) => address.toLowerCase() === currency),
      networkId,
      network,
      scheme: 'charge in MPP',
      payTo: checksumAddress(recipient) ?? recipient,
      maxTimeoutSeconds: expiresAt - now,
      viaPermit2: false,
    },
  };
}

/** Whether one transfer to the recipient is all that is asked for, and may be signed as an authorization. */
function takesAuthorization(request: string): boolean {
  const details = detailsOf(request);
  const types = details?.['credentialTypes'];
  return Array.isArray(types) && types.includes(CREDENTIAL_TYPE) && details?.['splits'] === undefined;
}

function detailsOf(request: string): JsonObject | undefined {
  const bytes = decodeBase64url(request);
  const decoded = bytes && readJsonBytes(bytes);
  const details = decoded?.ok === true && isJsonObject(decoded.value) ? decoded.value['methodDetails'] : undefined;
  return isJsonObject(details) ? details : undefined;
}
