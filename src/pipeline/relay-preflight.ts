import type { Route } from '../domain/route.ts';
import { allowPaymentHeaders, hidePaymentHeaders } from '../proxy/headers/preflight.ts';
import type { AcceptedRequest } from './exchange.ts';
import { headAlone, openUpstream } from './forward.ts';
import { answered, type Served } from './stages.ts';

/**
 * `cors: api`: lets the API itself answer a preflight, free of charge, and adds that payments may be sent. The API is
 * not asked about the payment headers, which it does not know: some APIs refuse a preflight for one unknown name.
 *
 * Browsers read no body of such an answer, and none is passed on: an API that does not look at the method answers with
 * what is sold.
 *
 * @throws GatewayError as `openUpstream` and `headAlone` do
 */
export async function relayPreflight(request: AcceptedRequest, route: Route): Promise<Served> {
  const { fields } = request.runtime;
  const head = { ...request.head, rawHeaders: hidePaymentHeaders(request.head.rawHeaders, fields) };
  const response = await openUpstream({ ...request, head }, route);
  allowPaymentHeaders(response.rawHeaders, fields);
  return answered('preflight', headAlone(request, response));
}
