/** An answer of the gateway's own: a value, written to the client at one place. */
export interface Answer {
  readonly status: number;
  /** Reason phrase; `undefined` for the usual one of the status. */
  readonly reason: string | undefined;
  /** Flat list of names and values, with a `Content-Length` where there is a body. */
  readonly headers: readonly string[];
  /** Not written to `HEAD`. Text has to be as many bytes in `encoding` as the headers say. */
  readonly body: string | Uint8Array | undefined;
  /** Of a text: `latin1` where all of it is ASCII, which needs no encoding. */
  readonly encoding: 'latin1' | 'utf8';
  /** Whether it gets a `Date` of its own: an answer that was kept has the API's. */
  readonly dated: boolean;
}
