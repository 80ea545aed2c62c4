import { GatewayError } from '../../domain/gateway-error.ts';
import type { BodyChange } from '../../mcp/body-change.ts';
import type { AnswerBody } from '../../mcp/body-changes.ts';
import { bodyKindOf, isEncoded } from '../../mcp/call-reader.ts';
import type { Client, RelayedHead } from '../../proxy/client.ts';
import { headOfChanged } from '../../proxy/headers/to-client.ts';
import type { Passage } from '../../proxy/passage.ts';
import type { UpstreamResponse } from '../../proxy/upstream-response.ts';

/** The change for a kind of answer of the server; `undefined` where it is relayed unchanged. */
export type ChangeOf = (form: AnswerBody) => BodyChange | undefined;

/** A client whose answers from the server are changed on their way. */
export function mcpClient(client: Client, changeOf: ChangeOf): Client {
  return {
    get departure() {
      return client.departure;
    },
    get isGone() {
      return client.isGone;
    },
    get status() {
      return client.status;
    },
    get hints() {
      return client.hints;
    },
    body: (head, terms) => client.body(head, terms),
    onOver: (listener) => client.onOver(listener),
    answer: (answer) => client.answer(answer),
    deliver: (answer) => client.deliver(answer),
    relay(response: UpstreamResponse, head: RelayedHead, passage?: Passage) {
      // An answer that was read whole has its form already.
      const change = passage === undefined ? changeOf(bodyKindOf(response.rawHeaders)) : undefined;
      if (change === undefined) return client.relay(response, head, passage);
      if (isEncoded(response.rawHeaders)) {
        // The server was asked not to compress. An answer that cannot be read here may hold a result that is not paid
        // for.
        response.discard();
        throw new GatewayError('upstream_invalid_answer', {
          detail: 'It is compressed, which it was asked not to be.',
        });
      }
      const headers = headOfChanged(head.headers, undefined);
      return client.relay(response, { ...head, headers }, passageOf(change));
    },
  };
}

function passageOf(change: BodyChange): Passage {
  return {
    waits: change.waits,
    pass: (chunk) => change.pass(chunk),
    async end() {
      const pieces = change.end();
      return { before: pieces.slice(0, -1), bytes: pieces.at(-1), trailers: [] };
    },
  };
}
