import { paymentFieldsOf } from '../../src/proxy/headers/payment-fields.ts';
import { protocols } from '../../src/registry.ts';

/** What follows from the protocols that are built in. */
export const FIELDS = paymentFieldsOf(protocols);
