import { type Defence, defencesOf } from './defence.ts';

/** What stands between clients of MCP and results that nobody paid for. */
export const MCP_DEFENCES: readonly Defence[] = [
  ...defencesOf(
    'mcp-free-rides',
    ['answer to ping', 'isWithheld', "(isAnswer(message) && isPaidId(message['id'])) || ", ''],
    ['answer to ping', 'isWithheld', " || isTaskNews(message['method'])", ''],
    ['in JSON', 'withoutPaidResults', 'return new UnpaidAnswer(id);', 'return undefined;'],
    ['in JSON', 'isWithheld', 'if (Array.isArray(message)) return message.some(isWithheld);', ''],
    ['behind more than is held', 'UnpaidAnswer.pass', 'if (this.#isMarked) throw', 'if (false) throw'],
    ['compressed', 'mcpClient', 'if (isEncoded(response.rawHeaders)) {', 'if (false) {'],
    ['a batch', 'readMessage', 'isBatch || ', ''],
    ['an id that the gateway gives', 'readCall', 'if (isPaidId(id)) return', 'if (false) return'],
    ['servers may take for POST', 'messageOf', "bytes.length === 0 && method !== 'POST'", "method !== 'POST'"],
    ['does not reach the server', 'stripPayments', 'if (stripped !== undefined)', 'if (false)'],
    ['no id', 'readCall', 'if (id === undefined) return', 'if (false) return'],
  ),
  ...defencesOf(
    'mcp-tools',
    ['into that value', 'segmentOf', 'return encoded(text);', 'return text;'],
    ['another route', 'serve', 'inside !== undefined && inside.route !== notes.route', 'false'],
    ['unknown argument', 'writeRequest', 'if (unknown !== undefined) throw', 'if (false) throw'],
    ['header with a line feed', 'fieldOf', '!FIELD_VALUE.test(text)', 'false'],
    ['other origins', 'isForeignOrigin', 'new URL(origin).origin !== new URL(publicOrigin).origin', 'false'],
    ['other origins', 'isForeignOrigin', '!isUnrebindable(hostName(host))', 'false'],
    ['cookie of a browser', 'OF_THE_MESSAGE', 'cookie|', ''],
  ),
];
