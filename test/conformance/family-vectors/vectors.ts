import { readRepositoryFile } from '../../support/docs/markdown.ts';

/** A payload of the official client code of its family, and variants: the same payment, another payment, or no payment. */
export interface FamilyVectors {
  readonly payload: Payload;
  readonly same?: Readonly<Record<string, Payload>>;
  readonly other: Readonly<Record<string, Payload>>;
  readonly refused?: Readonly<Record<string, Payload>>;
}

/** The payload of a payment, of a transaction or of a group of them. */
export interface Payload {
  readonly transaction?: string;
  readonly paymentGroup?: readonly string[];
  readonly paymentIndex?: number;
}

/** By namespace; where they come from is in the README beside this file. */
export const familyVectors = JSON.parse(readRepositoryFile('test/conformance/family-vectors/vectors.json')) as Readonly<
  Record<'algorand' | 'aptos' | 'hedera' | 'stellar', FamilyVectors>
>;
