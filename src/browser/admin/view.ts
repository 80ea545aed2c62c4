import type { Status } from './answers.ts';

/** The inputs of a view. */
export interface ViewContext {
  readonly status: Status;
  /** The query of the address, after the name of the view. */
  readonly query: URLSearchParams;
  /** Reloads the view. */
  readonly refresh: () => Promise<void>;
  /** Shows a message, which screen readers read aloud. */
  readonly say: (text: string) => void;
}

/** One view of the page. */
export interface View {
  readonly title: string;
  /** Milliseconds between two reloads; absent where nothing changes. */
  readonly everyMs?: number;
  readonly show: (context: ViewContext) => Promise<readonly Node[]>;
}
