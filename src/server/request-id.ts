import { randomFillSync } from 'node:crypto';

/** Bytes of an id: 96 random bits are unique in logs, and reveal nothing about the traffic. */
const ID_BYTES = 12;

/** Ids made by one call to the system's generator, which costs the same for one as for all of them. */
const IDS_AT_ONCE = 256;

/** Makes ids for requests: 24 hex digits each. */
export function createRequestIds(): () => string {
  const pool = Buffer.allocUnsafe(ID_BYTES * IDS_AT_ONCE);
  let next = pool.length;
  return () => {
    if (next === pool.length) {
      randomFillSync(pool);
      next = 0;
    }
    next += ID_BYTES;
    return pool.toString('hex', next - ID_BYTES, next);
  };
}
