import type { Row } from './row.ts';
import { deferred } from './rows/deferred.ts';
import { logReader } from './rows/log-reader.ts';
import { mixed } from './rows/mixed.ts';
import { before, paid } from './rows/paid.ts';
import { alongside, memory, start, workers } from './rows/process.ts';
import { settlements } from './rows/settlements.ts';
import { free, token, unpaid } from './rows/unpaid.ts';

/** Every row of the targets, in the order in which they are measured. */
export const ROWS: readonly Row[] = [
  paid,
  before,
  deferred,
  alongside,
  free,
  unpaid,
  token,
  settlements,
  mixed,
  logReader,
  start,
  memory,
  workers,
];
