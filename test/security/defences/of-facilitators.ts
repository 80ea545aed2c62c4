import { type Defence, defencesOf } from './defence.ts';

/** The defences against false answers of facilitators, and against clients of other payment families. */
export const FACILITATOR_DEFENCES: readonly Defence[] = [
  ...defencesOf(
    'unit/facilitator/remote/answers',
    ['in whatever form, or a status', 'readSettleAnswer', 'status < 500 && ', ''],
    ['in whatever form, or a status', 'readSettleAnswer', 'statesNoTransaction(answer) && ', ''],
    ['with and without a transaction', 'readSettleAnswer', ' && isBeforeSending(reason)', ''],
    ['in whatever form, or a status', 'statesNoTransaction', "transaction === undefined || transaction === ''", 'true'],
    ['with a transaction that is', 'transactionOf', ' && isTransaction(transaction, expected)', ''],
    ['with the transaction, when', 'readSuccess', '!expected.networks.includes(network)', 'false'],
    ['with the transaction, when', 'readSuccess', 'payer !== undefined && !isPayer(payer, expected)', 'false'],
    ['with the transaction, when', 'readSuccess', 'parseAmount(amount) !== expected.amount', 'false'],
    ['fit a header', 'readSuccess', '<= MAX_EXTENSIONS', '> 0'],
    ['may be read, for', 'relayedReason', 'KNOWN.has(own) ? own : otherwise', 'own'],
    ['without paths, keys', 'CUTS', '(\\\\b[a-z][a-z0-9+.-]*://|(?<!:)//)', '(never)'],
  ),
  ...defencesOf('unit/facilitator/public-shapes', [
    'families, versions and extensions',
    'readSupportedAnswer',
    'kinds.length === 0 && listed.length > 0',
    'kinds.length < listed.length',
  ]),
  ...defencesOf(
    'unit/scheme/exact-any',
    ['two entries of the payer', 'stellarPayment', 'second !== undefined', 'false'],
    ['an entry for another call', 'stellarPayment', '!paying.call.equals(call.bytes)', 'false'],
    ['in whatever JSON', 'transactionOf', "JSON.stringify(held) !== text.replaceAll(/\\s/g, '')", 'false'],
    ['in whatever JSON', 'aptosPayment', 'reader.left !== 0', 'false'],
    ['whatever form a transaction alone', 'readMap', 'map.size !== entries.length', 'false'],
    ['whatever form a transaction alone', 'algorandPayment', '.filter(([name, value]) => !isLeftOut(name, value))', ''],
    ['is there twice or is an alias', 'theOnly', 'second !== undefined', 'false'],
    ['is there twice or is an alias', 'idOf', 'account.some(({ field: part }) => part > 3)', 'false'],
    ['values within values', 'readValue', 'depth > MOST_DEPTH', 'false'],
    ['wherever they are cut', 'ByteReader.bytes', 'count > this.left', 'false'],
  ),
  ...defencesOf(
    'mpp-credentials',
    ['forged id', 'flawOf', ' || !ids.isOurs(id, route, bound)', ''],
    ['another nonce', 'flawOf', 'signed.nonce !== ', 'false && signed.nonce !== '],
    ['another payer in source', 'flawOf', 'source !== undefined && ', 'false && '],
    [
      'another route of the same price',
      'keyOf',
      "return createHmac('sha256', secret)",
      "return secret ?? createHmac('sha256', secret)",
    ],
  ),
  ...defencesOf(
    'unit/proxy/headers/locations',
    ['never touched', 'isOrigin', "if (authority.includes('@')) return false;", ''],
    ['never touched', 'publicUrlOf', 'if (server === undefined) return reference;', ''],
    [
      'on the origin of the API',
      'published',
      'default:\n      return publicUrlOf(value, place);',
      'default:\n      return value;',
    ],
  ),
  ...defencesOf(
    'integration/proxy-stale-connections',
    ['never has a POST sent again', 'Sending.#mayRepeat', 'IDEMPOTENT.has(this.#request.method) && ', ''],
    ['never has a PUT with a body', 'Sending.#mayRepeat', ' || this.#body !== undefined', ''],
    ['fault of the API', 'Sending.#mayRepeat', ' || !this.#isOnKept', ''],
  ),
  ...defencesOf('unit/domain/charge-rule', ['by default', 'CHARGE_SUCCESS', 'to: 299', 'to: 399']),
];
