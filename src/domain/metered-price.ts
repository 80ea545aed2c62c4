import type { Figures, Rates } from './rate.ts';

/** API families whose answers state their use, by name. */
export const METERED_FAMILIES = ['openai', 'anthropic', 'gemini', 'openrouter', 'ollama'] as const;

/** An API family whose answers state their use. */
export type MeteredFamily = (typeof METERED_FAMILIES)[number];

/** The source of the usage figures. */
export type MeterSpec =
  /** The answer of an API family; `auto` goes by the end of the path. */
  | { readonly kind: 'family'; readonly family: MeteredFamily | 'auto' }
  /** A header of the answer holds the number of units. Lower case. */
  | { readonly kind: 'header'; readonly name: string }
  /** A member of the answer holds the number of units: an RFC 6901 pointer. */
  | { readonly kind: 'json'; readonly pointer: string }
  /** The bytes of the answer's body, as they are sent. */
  | { readonly kind: 'bytes' }
  /** The time from the answer's head to its end. */
  | { readonly kind: 'seconds' }
  /** The API itself says what to charge, in `Settlement-Overrides` or `PAYMENT-SETTLEMENT`. */
  | { readonly kind: 'upstream' };

/** The charge for an answer that does not state its usage. */
export type MissingRule = 'min' | 'max' | 'nothing';

/** How a metered price becomes a charge, apart from the maximum, which is the offer's amount. */
export interface Metering {
  readonly meter: MeterSpec;
  readonly rates: Rates;
  /** The least that a call costs that is charged at all, in whole units of the currency: `0.0005`. */
  readonly min: string;
  readonly missing: MissingRule;
  /** Whether a limit of output tokens is put into requests that name none. */
  readonly cap: boolean;
}

/** The use that an answer stated, once it has ended or broken off. */
export type Metered =
  | { readonly kind: 'used'; readonly figures: Figures; readonly model: string | undefined }
  /** The charge that the API stated: a part of the maximum or an amount, as it wrote it. */
  | { readonly kind: 'stated'; readonly text: string }
  | { readonly kind: 'missing'; readonly reason: MissingReason; readonly model: string | undefined }
  /** The API said, in an answer of success, that it failed. */
  | { readonly kind: 'failed' };

/** Why an answer does not tell what was used. */
const MISSING_REASONS = [
  /** Compressed, though it was asked not to be. */
  'compressed',
  /** Of a media type that no usage is read from. */
  'media_type',
  /** No JSON where it should be. */
  'unreadable',
  /** A member that decides the charge occurs twice. */
  'duplicate_key',
  /** The figures are not there. */
  'no_usage',
  /** The figures are invalid: negative, not a number, or beyond reason. */
  'bad_figure',
] as const;

/** Why an answer does not tell what was used. */
export type MissingReason = (typeof MISSING_REASONS)[number];
