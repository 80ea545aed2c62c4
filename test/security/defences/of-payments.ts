import { type Defence, defencesOf } from './defence.ts';

/** What stands between hostile payments and the money. */
export const PAYMENT_DEFENCES: readonly Defence[] = [
  ...defencesOf(
    'parser-abuse',
    ['too long', 'judgeCredential', 'text.length > request.runtime.plan.limits.paymentHeaderBytes', 'false'],
    ['two of it', 'credentialIn', "typeof value !== 'string' || value.includes(',')", "typeof value !== 'string'"],
    ['other spellings of base64', 'decodeHeaderJson', '!BASE64.test(header)', 'false'],
    ['nests', 'readJsonBytes', 'isDeeper(value, MAX_DEPTH)', 'false'],
    ['names a prototype', 'namesPrototype', "if (key === '__proto__')", 'if (false)'],
    ['numbers', 'CANONICAL_INTEGER', '(0|[1-9]\\d{0,77})', '(\\d{1,80})'],
    ['not an offer of ours', 'pays', 'accepted.amount === ours.amount &&', ''],
    ['not an offer of ours', 'pays', 'sameAddress(family, accepted.payTo, ours.payTo) &&', ''],
    ['not an offer of ours', 'pays', 'statesExtra(accepted.extra, ours.extra)', 'true'],
    ['other facts', 'unfit', 'const pays = signed.value === offer.amount;', 'const pays = true;'],
    ['other facts', 'unfit', 'signed.to !== parseAddress(offer.payTo)', 'false'],
    ['other facts', 'checkWindow', 'if (after > time)', 'if (false)'],
    ['another resource', 'match', '!isForResource(resource, resourceUrl)', 'false'],
    ['payment-identifier', 'isWellFormed', ' && WELL_FORMED.test(id)', ''],
  ),
  ...defencesOf(
    'replay',
    ['served once', 'CLAIM', 'WHERE turnpike_payments.', '-- '],
    ['buys nothing', 'fingerprintOf', ', query, ...body]', ', ...body]'],
    ['buys nothing', 'fingerprintOf', '[price.id, method, host,', '[price.id, method,'],
    ['buys nothing', 'meaningOf', 'record.fingerprint !== fingerprint', 'false'],
    [
      'other signature',
      'acceptableRecoveryId',
      'if (Buffer.compare(signature.subarray(32, 64), HALF_ORDER) > 0) return undefined;',
      '',
    ],
    ['collects it once', 'BodyDigest.matches', 'this.#expected === undefined || ', 'true || '],
    ['served once', 'createEip3009Check', 'signed.nonce}` as PaymentKey', 'canonicalJson(payload)}` as PaymentKey'],
  ),
  ...defencesOf(
    'credit-abuse',
    ['bound allows', 'CreditGate.take', 'if (isWithin) return credit;', 'return credit;'],
    ['debt that is not paid', 'debtsOf', ', ...defaultedRows(rows)]', ']'],
    ['large answers', 'chargeHolding', "if (charged?.kind !== 'charged') response.discard();", ''],
  ),
  ...defencesOf(
    'foreign-transfers',
    ['older than the offer', 'judge', "if (age >= longest) return { kind: 'none' };", ''],
    ['does not say so', 'findForeign', "runtime.plan.foreignTransfers === 'serve' && ", ''],
  ),
  ...defencesOf('settled-elsewhere', [
    'served by no gateway',
    'ChainWitness.#foreignOutcome',
    'if (before <= 0) return undefined;',
    'return undefined;',
  ]),
  ...defencesOf(
    'every-payment-kind',
    ['somebody else had settled', 'verify', "if (foreign.kind === 'used') return ALREADY_USED;", ''],
    ['changed after it was signed', 'authenticate', 'if (!isSignedByAll(transaction))', 'if (false)'],
  ),
  ...defencesOf('unit/facilitator/chain/proof', [
    'another transfer in it, which',
    'provesUse',
    'return movesNext(transfer, logs, useIn(transfer, logs));',
    'return provesAuthorization(transfer, logs);',
  ]),
  ...defencesOf(
    'kept-answers',
    ['no more memory', 'AnswerRoom.hold', 'this.#held + bytes > mostBytes', 'false'],
    ['no more of the store', 'AnswerRoom.storeHasRoom', 'stored.bytes + bytes > mostBytes', 'false'],
    ['moved no money', 'MemoryLedger.transition', 'if (ENDS_UNPAID.includes(step.to)) this.#answers.delete(key);', ''],
  ),
  ...defencesOf(
    'unit/facilitator/local/failed-gas',
    ['travelling with others', 'FailedGas.mayShare', 'this.#gasOf(this.#byPayer.get(payer)) === 0n && ', ''],
    ['budget for all', 'FailedGas.mayShare', ' && this.#gasOf(this.#all) <= this.#budget.inAll', ''],
    [
      'budget for each payer',
      'FailedGas.isSpent',
      'this.#gasOf(this.#byPayer.get(payer)) > this.#budget.ofPayer',
      'false',
    ],
  ),
  ...defencesOf(
    'unit/observe/line-queue',
    ['no more than its bound', 'LineQueue.write', 'this.#waiting + line.length > MOST_WAITING_CHARS', 'false'],
    ['how many lines are missing', 'LineQueue.#drop', 'this.#gap += 1;', ''],
  ),
  ...defencesOf(
    'unit/recovery/reconciler',
    [
      'is forgotten released',
      'pruneStore',
      "await inBatches(() => store.forgetUnmoved('released', now - UNMOVED_KEPT_MS.released, PRUNED_AT_ONCE));",
      '',
    ],
    [
      'is forgotten failed',
      'pruneStore',
      "await inBatches(() => store.forgetUnmoved('failed', now - UNMOVED_KEPT_MS.failed, PRUNED_AT_ONCE));",
      '',
    ],
  ),
  ...defencesOf(
    'victim-nonce',
    ['learns nothing', 'heldBy', '!authorization.proved && record.digest !== authorization.digest', 'false'],
    ['by another payer', 'brought', 'authorization.payer}|', "''}|"],
    [
      'is needed to collect',
      'meaningOf',
      'record.identifier !== undefined && record.identifier !== identifier',
      'false',
    ],
    ['neither takes nor blocks', 'verify', "verification.kind === 'valid'", 'true'],
  ),
];
