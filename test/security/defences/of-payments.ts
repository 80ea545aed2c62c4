import { type Defence, defencesOf } from './defence.ts';

const READ = 'pipeline/read-payment.ts';
const HEADER_JSON = 'protocol/header-json.ts';
const V2 = 'protocol/v2/x402-v2.ts';
const EIP3009 = 'scheme/exact-evm/eip3009-check.ts';
const FAILED_GAS = 'facilitator/local/failed-gas.ts';
const HELD = 'pipeline/held-payment.ts';

/** What stands between hostile payments and the money. */
export const PAYMENT_DEFENCES: readonly Defence[] = [
  ...defencesOf(
    'parser-abuse',
    ['too long', READ, 'text.length > request.runtime.plan.limits.paymentHeaderBytes', 'false'],
    [
      'two of it',
      'protocol/protocol.ts',
      "typeof value !== 'string' || value.includes(',')",
      "typeof value !== 'string'",
    ],
    ['other spellings of base64', HEADER_JSON, '!BASE64.test(header)', 'false'],
    ['nests', HEADER_JSON, 'isDeeper(value, MAX_DEPTH)', 'false'],
    ['names a prototype', HEADER_JSON, "if (key === '__proto__')", 'if (false)'],
    ['numbers', 'domain/amount.ts', '(0|[1-9]\\d{0,77})', '(\\d{1,80})'],
    ['not an offer of ours', V2, 'accepted.amount === ours.amount &&', ''],
    ['not an offer of ours', V2, 'sameAddress(family, accepted.payTo, ours.payTo) &&', ''],
    ['not an offer of ours', V2, 'statesExtra(accepted.extra, ours.extra)', 'true'],
    ['other facts', EIP3009, 'const pays = signed.value === offer.amount;', 'const pays = true;'],
    ['other facts', EIP3009, 'signed.to !== parseAddress(offer.payTo)', 'false'],
    ['other facts', 'scheme/exact-evm/authorization-window.ts', 'if (after > time)', 'if (false)'],
    ['another resource', V2, '!isForResource(resource, resourceUrl)', 'false'],
    ['payment-identifier', 'protocol/payment-identifier.ts', ' && WELL_FORMED.test(id)', ''],
  ),
  ...defencesOf(
    'replay',
    ['served once', 'store/sql/payment-statements.ts', 'WHERE turnpike_payments.', '-- '],
    ['buys nothing', 'pipeline/fingerprint.ts', ', query, ...body]', ', ...body]'],
    ['buys nothing', 'pipeline/fingerprint.ts', '[price.id, method, host,', '[price.id, method,'],
    ['buys nothing', HELD, 'record.fingerprint !== fingerprint', 'false'],
    [
      'other signature',
      'evm/signer-recovery.ts',
      'if (Buffer.compare(signature.subarray(32, 64), HALF_ORDER) > 0) return undefined;',
      '',
    ],
    ['collects it once', 'pipeline/body-digest.ts', 'this.#expected === undefined || ', 'true || '],
    ['served once', EIP3009, 'signed.nonce}` as PaymentKey', 'canonicalJson(payload)}` as PaymentKey'],
  ),
  ...defencesOf(
    'credit-abuse',
    ['bound allows', 'pipeline/credit-gate.ts', 'if (isWithin) return credit;', 'return credit;'],
    [
      'debt that is not paid',
      'store/memory/memory-ledger.ts',
      'Math.min(upTo, owing + debts)',
      'Math.min(upTo, owing)',
    ],
    ['large answers', 'pipeline/serve-paid.ts', "if (charged?.kind !== 'charged') response.discard();", ''],
  ),
  ...defencesOf(
    'foreign-transfers',
    [
      'older than the offer',
      'facilitator/chain/foreign-transfer.ts',
      "if (age >= longest) return { kind: 'none' };",
      '',
    ],
    ['does not say so', 'pipeline/authorize.ts', "runtime.plan.foreignTransfers === 'serve' && ", ''],
  ),
  ...defencesOf(
    'every-payment-kind',
    ['somebody else had settled', 'pipeline/authorize.ts', "if (foreign.kind === 'used') return ALREADY_USED;", ''],
    ['changed after it was signed', 'scheme/exact-svm/exact-svm.ts', 'if (!isSignedByAll(transaction))', 'if (false)'],
  ),
  ...defencesOf('unit/facilitator/chain/proof', [
    'another transfer in it, which',
    'facilitator/chain/proof.ts',
    'return movesNext(transfer, logs, useIn(transfer, logs));',
    'return provesAuthorization(transfer, logs);',
  ]),
  ...defencesOf(
    'kept-answers',
    ['no more memory', 'pipeline/limits/answer-room.ts', 'this.#held + bytes > mostBytes', 'false'],
    ['no more of the store', 'pipeline/limits/answer-room.ts', 'stored.bytes + bytes > mostBytes', 'false'],
    [
      'moved no money',
      'store/memory/memory-ledger.ts',
      'if (ENDS_UNPAID.includes(step.to)) this.#answers.delete(key);',
      '',
    ],
  ),
  ...defencesOf(
    'unit/facilitator/local/failed-gas',
    ['travelling with others', FAILED_GAS, 'this.#gasOf(this.#byPayer.get(payer)) === 0n && ', ''],
    ['budget for all', FAILED_GAS, ' && this.#gasOf(this.#all) <= this.#budget.inAll', ''],
    ['budget for each payer', FAILED_GAS, 'this.#gasOf(this.#byPayer.get(payer)) > this.#budget.ofPayer', 'false'],
  ),
  ...defencesOf(
    'unit/observe/line-queue',
    ['no more than its bound', 'observe/line-queue.ts', 'this.#waiting + line.length > MOST_WAITING_CHARS', 'false'],
    ['how many lines are missing', 'observe/line-queue.ts', 'this.#gap += 1;', ''],
  ),
  ...defencesOf(
    'unit/recovery/reconciler',
    [
      'is forgotten released',
      'recovery/pruning.ts',
      "await inBatches(() => store.forgetUnmoved('released', now - UNMOVED_KEPT_MS.released, PRUNED_AT_ONCE));",
      '',
    ],
    [
      'is forgotten failed',
      'recovery/pruning.ts',
      "await inBatches(() => store.forgetUnmoved('failed', now - UNMOVED_KEPT_MS.failed, PRUNED_AT_ONCE));",
      '',
    ],
  ),
  ...defencesOf(
    'victim-nonce',
    [
      'learns nothing',
      'pipeline/authorize.ts',
      '!authorization.proved && record.digest !== authorization.digest',
      'false',
    ],
    ['by another payer', READ, 'authorization.payer}|', "''}|"],
    ['is needed to collect', HELD, 'record.identifier !== undefined && record.identifier !== identifier', 'false'],
    ['neither takes nor blocks', 'pipeline/authorize.ts', "verification.kind === 'valid'", 'true'],
  ),
];
