import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** `graphql-yoga` in a process of its own. */
export interface YogaServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts `graphql-yoga` with the fields `report`, `news`, `free` and the mutation `order`, on `/graphql`. */
export async function startYoga(): Promise<YogaServer> {
  const child = fork(fileURLToPath(new URL('yoga-server.mjs', import.meta.url)), [], { execArgv: [] });
  const ended = once(child, 'exit');
  const [told]: { port: number }[] = await Promise.race([
    once(child, 'message'),
    ended.then(([code]) => {
      throw new Error(`graphql-yoga ended with ${code} before it listened`);
    }),
  ]);
  if (told === undefined) throw new Error('graphql-yoga did not tell its port');
  return {
    url: `http://127.0.0.1:${told.port}`,
    async close() {
      child.kill();
      await ended;
    },
  };
}
