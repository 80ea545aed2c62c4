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
  const forth: ((message: Forth) => void)[] = [];
  const back: ((message: Back) => void)[] = [];
  return {
    here: { gone: gone.signal, receive: (listener) => void back.push(listener), send: copyTo(forth, gone.signal) },
    there: { gone: gone.signal, receive: (listener) => void forth.push(listener), send: copyTo(back, gone.signal) },
    cut: () => gone.abort(new Error('the other process has ended')),
  };
}

function copyTo<Message>(listeners: readonly ((message: Message) => void)[], gone: AbortSignal) {
  return (message: Message): void => {
    const copy = structuredClone(message);
    setImmediate(() => {
      if (gone.aborted) return;
      for (const listener of listeners) listener(copy);
    });
  };
}
