import type { Answer } from '../domain/answer.ts';
import type { AskingProxy } from '../domain/asking-proxy.ts';

/** How a proxy asks whether a request may pass, and how it takes a no. */
export interface QuestionForm {
  /**
   * The fields that say what is asked about, in lower case. Absent: the question has the method and the target of the
   * request. Of each proxy one pair counts: it passes any other on as its client sent it.
   */
  readonly fields?: { readonly method: string; readonly target: string };
  /** The field, in lower case, that the proxy takes from the answer alone, whatever its client sent. */
  readonly replaced?: string;
  /** An answer that lets nothing pass, in the form in which the proxy takes it for that. */
  denied(answer: Answer): Answer;
}

/** `X-Forwarded-*`: the proxy replaces those of its client. */
const FORWARDED: QuestionForm = {
  fields: { method: 'x-forwarded-method', target: 'x-forwarded-uri' },
  // Every 2xx would let the request pass.
  denied: (answer) => (isSuccess(answer) ? { ...answer, status: 403 } : answer),
};

/** How each proxy asks. */
export const QUESTION_FORMS: Readonly<Record<AskingProxy, QuestionForm>> = {
  // `auth_request` knows 401 and 403 as a no, makes a 500 of anything else, and relays no status.
  nginx: {
    fields: { method: 'x-original-method', target: 'x-original-uri' },
    // By `config/authz/nginx.conf`.
    replaced: 'x402-payer',
    denied: (answer) => ({
      ...answer,
      status: 401,
      headers: [...answer.headers, 'X402-Status', String(isSuccess(answer) ? 403 : answer.status)],
    }),
  },
  traefik: FORWARDED,
  caddy: FORWARDED,
  // 200 alone lets a request pass, and every other answer is relayed.
  envoy: { denied: (answer) => (answer.status === 200 ? { ...answer, status: 403 } : answer) },
};

function isSuccess({ status }: Answer): boolean {
  return status < 300;
}
