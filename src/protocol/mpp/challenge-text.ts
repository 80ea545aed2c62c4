/** The parameters of a challenge, in the order that they are written. */
export type ChallengeParameters = readonly (readonly [name: string, value: string])[];

/** Writes a challenge of the `Payment` scheme, each value as a quoted text. */
export function challengeText(parameters: ChallengeParameters): string {
  return `Payment ${parameters.map(([name, value]) => `${name}="${quotable(value)}"`).join(', ')}`;
}

/**
 * A text as it stands between quotes in a field. What is no ASCII is written as `mppx` writes and reads it, `\uXXXX`: a field
 * holds no other characters that every client reads alike. Control characters go.
 */
function quotable(value: string): string {
  return value
    .replaceAll(/\p{Cc}/gu, ' ')
    .replaceAll(/["\\]/g, '\\$&')
    .replaceAll(/[^ -~]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
