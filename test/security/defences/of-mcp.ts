import { type Defence, defencesOf } from './defence.ts';

/** The defences against MCP clients that want results without a payment. */
export const MCP_DEFENCES: readonly Defence[] = [
  ...defencesOf(
    'mcp-free-rides',
    ['answer to ping', 'isWithheld', "(isAnswer(message) && isPaidId(message['id'])) || ", ''],
    ['answer to ping', 'isWithheld', " || isTaskNews(message['method'])", ''],
    ['in a JSON answer', 'withoutPaidResults', 'return new UnpaidAnswer(id);', 'return undefined;'],
    ['in a JSON answer', 'isWithheld', 'if (Array.isArray(message)) return message.some(isWithheld);', ''],
    ['longer than the buffer', 'UnpaidAnswer.pass', 'if (this.#isMarked) throw', 'if (false) throw'],
    ['compressed', 'mcpClient', 'if (isEncoded(response.rawHeaders)) {', 'if (false) {'],
    ['a batch', 'readMessage', 'isBatch || ', ''],
    ['an id that the gateway gives', 'readCall', 'if (isPaidId(id)) return', 'if (false) return'],
    ['servers may take for POST', 'messageOf', "bytes.length === 0 && method !== 'POST'", "method !== 'POST'"],
    ['does not reach the server', 'stripPayments', 'if (stripped !== undefined)', 'if (false)'],
    ['no id', 'readCall', 'if (id === undefined) return', 'if (false) return'],
  ),
  ...defencesOf(
    'mcp-byte-order-mark',
    ['once it is paid', 'fieldOf', ".replace(MARKS, '')", ''],
    ['a lax reader', 'mayHoldResult', '!isPlain || ', ''],
    ['a lax reader', 'CallStream.#isFree', 'event.isPlain && ', ''],
  ),
  ...defencesOf(
    'mcp-resource-uri',
    ['a blank or a control character', 'priceOfCall', "target === 'resource' && holdsBlank(name)", 'false'],
    ['a scheme in capitals', 'priceOfCall', 'if (other === undefined) return price;', 'return price;'],
    ['takes for a priced one', 'plain', '.toLowerCase()', ''],
  ),
  ...defencesOf(
    'mcp-tools',
    ['inside its own value', 'segmentOf', 'return encoded(text);', 'return text;'],
    ['another route', 'serve', 'inside !== undefined && inside.route !== notes.route', 'false'],
    ['unknown argument', 'writeRequest', 'if (unknown !== undefined) throw', 'if (false) throw'],
    ['header with a line feed', 'fieldOf', '!FIELD_VALUE.test(text)', 'false'],
    ['other origins', 'isForeignOrigin', 'new URL(origin).origin !== new URL(publicOrigin).origin', 'false'],
    ['other origins', 'isForeignOrigin', '!isUnrebindable(hostName(host))', 'false'],
    ['cookie of a browser', 'OF_THE_MESSAGE', 'cookie|', ''],
  ),
];
