/** How the 402 page for people looks. */
export interface PaywallTerms {
  /** Name of the seller; `undefined` where the host is all that is known. */
  readonly title: string | undefined;
  /** A `data:` URI of an image, or a path of the same origin. */
  readonly logo: string | undefined;
  /** Colour of the button, as `#rrggbb`. */
  readonly colour: string | undefined;
}
