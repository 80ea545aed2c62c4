import { bodyFact } from '../content/body-facts.ts';
import { ABSENT, type Fact, type Facts } from '../content/fact.ts';
import type { GraphqlOperation } from '../content/graphql-request.ts';
import { type AskedHead, headFact } from '../content/head-facts.ts';
import type { JsonFacts } from '../content/json-reader.ts';
import type { Subject } from '../domain/when.ts';

/** One root field of an operation. */
interface AskedField {
  readonly operation: GraphqlOperation;
  readonly field: string;
}

/** What conditions see of a request, or of one call of its body. */
export class RequestFacts implements Facts {
  readonly #head: AskedHead;
  readonly #call: JsonFacts | undefined;
  readonly #asked: AskedField | undefined;

  /**
   * @param call absent where the body is not known
   * @param asked where it is GraphQL
   */
  constructor(head: AskedHead, call?: JsonFacts, asked?: AskedField) {
    this.#head = head;
    this.#call = call;
    this.#asked = asked;
  }

  of(subject: Subject): Fact {
    switch (subject.kind) {
      case 'json':
      case 'jsonrpc':
        if (this.#call === undefined) throw new Error('a condition of the body before it was read');
        return bodyFact(subject, this.#call);
      case 'graphql':
        if (this.#asked === undefined) throw new Error('a condition of an operation that is not known');
        return graphqlFact(subject.part, this.#asked);
      case 'method':
      case 'header':
      case 'query':
      case 'agent':
        return headFact(subject, this.#head);
    }
  }
}

function graphqlFact(part: 'kind' | 'operation' | 'field', { operation, field }: AskedField): Fact {
  switch (part) {
    case 'kind':
      return { kind: 'text', text: operation.kind };
    case 'operation':
      return operation.name === undefined ? ABSENT : { kind: 'text', text: operation.name };
    case 'field':
      return { kind: 'text', text: field };
  }
}
