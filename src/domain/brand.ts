declare const brand: unique symbol;

/** A `Base` that only its parser can make, so that it cannot be mixed up with another value of the same shape. */
export type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };
