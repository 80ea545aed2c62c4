import type { Status } from './answers.ts';

/** What a view is made with. */
export interface ViewContext {
  readonly status: Status;
  /** What stands in the address behind the name of the view. */
  readonly query: URLSearchParams;
  /** Shows the view anew. */
  readonly refresh: () => Promise<void>;
  /** Says something that happened, aloud for who does not see it. */
  readonly say: (text: string) => void;
}

/** One view of the page. */
export interface View {
  readonly title: string;
  /** Milliseconds between two looks; absent where nothing moves. */
  readonly everyMs?: number;
  readonly show: (context: ViewContext) => Promise<readonly Node[]>;
}
