/**
 * Records the latest expiry of the rows that are about to be deleted, before they are. A process with a wrong clock may
 * delete rows that are still valid: a payment or nonce that is not found and expires no later must not count as unused.
 *
 * A crash between the mark and the deletion leaves a mark that is too late. Existing rows are still found; missing ones
 * that expire no later are refused, for as long as the clock was wrong.
 *
 * @param going selects the expiries of the rows that are about to be deleted, as `until_at`
 * @returns a statement that gives the mark as `until_at`, and no row where there is nothing to delete
 */
export function markText(what: 'nonces' | 'payments', going: string): string {
  return `INSERT INTO turnpike_forgotten (what, until_at)
    SELECT '${what}', MAX(until_at) FROM (${going}) AS going HAVING MAX(until_at) IS NOT NULL
    ON CONFLICT (what) DO UPDATE SET until_at =
      CASE WHEN excluded.until_at > turnpike_forgotten.until_at THEN excluded.until_at ELSE turnpike_forgotten.until_at END
    RETURNING until_at`;
}
