/** What a value is compared with. Texts are compared exactly, with `*` for any characters. */
export type ValueTest =
  | { readonly kind: 'texts'; readonly patterns: readonly string[] }
  | { readonly kind: 'present' }
  | { readonly kind: 'absent' }
  /** Plain decimals, both included. */
  | { readonly kind: 'range'; readonly min: string | undefined; readonly max: string | undefined };

/** What a condition of a request's head looks at. */
export type HeadSubject =
  | { readonly kind: 'method' }
  /** Lower case. */
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'query'; readonly name: string }
  /** Its value is `bot`, `browser`, or `verified` for a bot with a valid signature. */
  | { readonly kind: 'agent' };

/** What a condition of a request's body looks at. */
export type BodySubject =
  /** An RFC 6901 pointer; within the call where a route is priced by its calls. */
  | { readonly kind: 'json'; readonly pointer: string }
  | { readonly kind: 'jsonrpc' }
  /** Of the operation that would run: `query`, `mutation` or `subscription`, its name, or one of its root fields. */
  | { readonly kind: 'graphql'; readonly part: 'kind' | 'operation' | 'field' };

/** What a condition looks at. */
export type Subject = HeadSubject | BodySubject;

/** One condition of `when`. */
export interface Condition {
  readonly subject: Subject;
  readonly test: ValueTest;
}

/** All of these have to hold. */
export type When = readonly Condition[];

/** Whether a subject is only known once the body was read. */
export function isOfBody({ kind }: Subject): boolean {
  return kind === 'json' || kind === 'jsonrpc' || kind === 'graphql';
}

/** Equal for subjects that are the same. */
export function subjectKey(subject: Subject): string {
  switch (subject.kind) {
    case 'header':
    case 'query':
      return `${subject.kind} ${subject.name}`;
    case 'json':
      return `json ${subject.pointer}`;
    case 'graphql':
      return `graphql ${subject.part}`;
    case 'method':
    case 'agent':
    case 'jsonrpc':
      return subject.kind;
  }
}

/** Whether a text fits a pattern, whose only wildcard is `*`. Linear in practice: no regular expression. */
export function fitsPattern(pattern: string, text: string): boolean {
  if (pattern === text) return true;
  const star = pattern.indexOf('*');
  // Most patterns of a long price table end here, without being split.
  if (star === -1 || !text.startsWith(pattern.slice(0, star))) return false;
  const parts = pattern.split('*');
  const [first = '', ...others] = parts;
  const last = others.pop();
  if (last === undefined || text.length < first.length + last.length || !text.endsWith(last)) return false;
  let from = first.length;
  const end = text.length - last.length;
  for (const part of others) {
    const at = text.indexOf(part, from);
    if (at === -1 || at + part.length > end) return false;
    from = at + part.length;
  }
  return true;
}

/** A test as people write it: `gpt-5*`, `present`, `2 to 4`. */
function testText(test: ValueTest): string {
  switch (test.kind) {
    case 'texts':
      return test.patterns.join(' or ');
    case 'present':
    case 'absent':
      return test.kind;
    case 'range':
      return [test.min === undefined ? '' : `from ${test.min}`, test.max === undefined ? '' : `up to ${test.max}`]
        .filter((part) => part !== '')
        .join(' ');
  }
}

/** The test for a word of `agent`: a verified agent is a bot, too. The first pattern is the word in the file. */
export function agentTest(word: 'bot' | 'browser' | 'verified'): ValueTest {
  return { kind: 'texts', patterns: word === 'bot' ? ['bot', 'verified'] : [word] };
}

/** Whether a condition holds only for agents with a valid signature. */
export function asksVerified({ subject, test }: Condition): boolean {
  return subject.kind === 'agent' && test.kind === 'texts' && test.patterns.every((each) => each === 'verified');
}

/** The test of a condition as the file has it. */
function writtenTest({ subject, test }: Condition): ValueTest {
  return subject.kind === 'agent' && test.kind === 'texts' ? { ...test, patterns: test.patterns.slice(0, 1) } : test;
}

/** A condition in a few words: `/model is gpt-5*`. */
export function conditionText(condition: Condition): string {
  const { subject } = condition;
  const what = subject.kind === 'json' ? (subject.pointer === '' ? 'the body' : subject.pointer) : subjectKey(subject);
  return `${what} is ${testText(writtenTest(condition))}`;
}

/** Conditions in a few words; `the rest` where there are none. */
export function whenText(when: When): string {
  return when.length === 0 ? 'the rest' : when.map(conditionText).join(' and ');
}

/** Longest default name of a price: it is a label of metrics. */
const MOST_NAME = 60;

/** What a price is called after its route where the file does not say: `jsonrpc=eth_call`, or `rest`. */
export function conditionName(when: When): string {
  const parts = when.map((condition) => {
    const { subject } = condition;
    const test = writtenTest(condition);
    const what =
      subject.kind === 'json'
        ? subject.pointer
        : 'name' in subject
          ? subject.name
          : subject.kind === 'graphql'
            ? subject.part
            : subject.kind;
    return `${what}=${test.kind === 'texts' ? test.patterns.join(',') : testText(test).replaceAll(' ', '_')}`;
  });
  const name = parts
    .join('+')
    .replaceAll(/[^\x21-\x7e]/g, '_')
    .replaceAll('#', '_');
  return name === '' ? 'rest' : name.slice(0, MOST_NAME);
}
