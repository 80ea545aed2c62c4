import type { NetworkFamily } from '../domain/network-family.ts';

/**
 * Families of which only the form of addresses is known: an invalid address, or one of another family, is refused
 * before it is paid. Only the facilitator can tell whether an account exists, and what a payment is worth.
 */
export const addressForms: readonly NetworkFamily[] = [
  // An account, or the decimal number of an asset.
  family('algorand', 'Algorand', /^(?:[A-Z2-7]{58}|[1-9]\d{0,19})$/, /^[A-Z2-7]{52}$/),
  family('aptos', 'Aptos', /^0x[0-9a-f]{1,64}$/, /^0x[0-9a-f]{64}$/),
  family('hedera', 'Hedera', /^\d+\.\d+\.\d+$/, /^\d+\.\d+\.\d+[@-]\d+[.-]\d+$/),
  // An account, a contract, or an account of an exchange with its number.
  family('stellar', 'Stellar', /^(?:[GC][A-D][A-Z2-7]{54}|M[A-D][A-Z2-7]{67})$/, /^[0-9a-f]{64}$/),
];

function family(name: string, called: string, address: RegExp, transaction: RegExp): NetworkFamily {
  return {
    name,
    typedData: false,
    readAddress: (given) =>
      address.test(given)
        ? { ok: true, value: given }
        : {
            ok: false,
            wrong: `${JSON.stringify(given)} is not an address of ${called}`,
            right: `an address of ${called}, in quotes`,
          },
    addressId: (given) => given,
    isTransaction: (text) => transaction.test(text),
  };
}
