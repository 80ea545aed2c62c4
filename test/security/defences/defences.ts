import type { Defence } from './defence.ts';
import { FACILITATOR_DEFENCES } from './of-facilitators.ts';
import { MCP_DEFENCES } from './of-mcp.ts';
import { PAYMENT_DEFENCES } from './of-payments.ts';
import { REQUEST_DEFENCES } from './of-requests.ts';

/** All defences. */
export const DEFENCES: readonly Defence[] = [
  ...REQUEST_DEFENCES,
  ...PAYMENT_DEFENCES,
  ...FACILITATOR_DEFENCES,
  ...MCP_DEFENCES,
];
