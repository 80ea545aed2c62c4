/** The parameters of a challenge, in the order that they are written. */
export type ChallengeParameters = readonly (readonly [name: string, value: string])[];

/** Writes a challenge of the `Payment` scheme, each value as a quoted text. */
export function challengeText(parameters: ChallengeParameters): string {
  return `Payment ${parameters.map(([name, value]) => `${name}="${quotable(value)}"`).join(', ')}`;
}

/**
 * A text for use between quotes in a header. Characters outside ASCII are written as `\uXXXX`, as `mppx` writes and
 * reads them: a header holds no other characters that all clients read alike. Control characters are dropped.
 */
function quotable(value: string): string {
  return value
    .replaceAll(/\p{Cc}/gu, ' ')
    .replaceAll(/["\\]/g, '\\$&')
    .replaceAll(/[^ -~]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
