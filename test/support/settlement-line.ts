import type { Channel } from '../../src/facilitator/relayed/settlement-channel.ts';

/** Both ends of a line between two processes, inside one. */
export interface TestLine<Forth, Back> {
  readonly here: Channel<Forth, Back>;
  readonly there: Channel<Back, Forth>;
  /** What both ends notice when either process ends. */
  cut(): void;
}

/** Opens a line that copies messages as processes do: by structured clone, in order, and later. */
export function openLine<Forth, Back>(): TestLine<Forth, Back> {
  const gone = new AbortController();
  const forth = new Set<(message: Forth) => void>();
  const back = new Set<(message: Back) => void>();
  return {
    here: { gone: gone.signal, receive: (listener) => listenOn(back, listener), send: copyTo(forth, gone.signal) },
    there: { gone: gone.signal, receive: (listener) => listenOn(forth, listener), send: copyTo(back, gone.signal) },
    cut: () => gone.abort(new Error('the other process has ended')),
  };
}

function listenOn<Listener>(listeners: Set<Listener>, listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function copyTo<Message>(listeners: ReadonlySet<(message: Message) => void>, gone: AbortSignal) {
  return (message: Message): void => {
    const copy = structuredClone(message);
    setImmediate(() => {
      if (gone.aborted) return;
      for (const listener of listeners) listener(copy);
    });
  };
}
