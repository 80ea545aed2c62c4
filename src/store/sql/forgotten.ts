/**
 * Writes down until when things are about to be forgotten, before they are: a process that runs on a wrong clock may
 * forget what is alive, and whoever cannot find a thing that ended no later must not take it for unused.
 *
 * A crash between the mark and the deletion leaves a mark that is too late: what is there is still found, and what is
 * not is refused for as long as the clock was wrong.
 *
 * @param going selects the ends of what is about to be forgotten, as `until_at`
 * @returns a statement that gives the mark as `until_at`, and no row where there is nothing to forget
 */
export function markText(what: 'nonces' | 'payments', going: string): string {
  return `INSERT INTO turnpike_forgotten (what, until_at)
    SELECT '${what}', MAX(until_at) FROM (${going}) AS going HAVING MAX(until_at) IS NOT NULL
    ON CONFLICT (what) DO UPDATE SET until_at =
      CASE WHEN excluded.until_at > turnpike_forgotten.until_at THEN excluded.until_at ELSE turnpike_forgotten.until_at END
    RETURNING until_at`;
}
