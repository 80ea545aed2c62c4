import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A network between two machines, which can be partitioned. */
export interface Wire {
  /** The far side's URL through this wire. */
  readonly url: string;
  /**
   * From the moment a request passes that begins with `text`, nothing comes back over the wire, on open connections or
   * new ones, and nobody is told. Resolves when the first bytes of an answer have been lost.
   */
  loseAnswersAfter(text: string): Promise<void>;
  /** Nothing passes from now on, in either direction. */
  cut(): void;
  /** Connections made from now on work; those that fell silent stay lost. */
  mend(): void;
  close(): Promise<void>;
}

/** Lays a wire to the server at a URL. */
export async function openWire(to: string): Promise<Wire> {
  const wire = new LossyWire(Number(new URL(to).port));
  await wire.open();
  return wire;
}

class LossyWire implements Wire {
  readonly #port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #lost = Promise.withResolvers<void>();
  #trigger: string | undefined;
  #deaf = false;
  #mute = false;

  constructor(port: number) {
    this.#port = port;
    this.#server = createServer((near) => this.#join(near));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async open(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  loseAnswersAfter(text: string): Promise<void> {
    this.#trigger = text;
    return this.#lost.promise;
  }

  cut(): void {
    this.#deaf = true;
    this.#mute = true;
  }

  mend(): void {
    this.#trigger = undefined;
    this.#deaf = false;
    this.#mute = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(near: Socket): void {
    const far = connect(this.#port, '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.once('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    near.on('data', (bytes: Buffer) => {
      if (this.#deaf) return;
      far.write(bytes);
      // What is asked later is lost, too: only this request gets through.
      if (this.#trigger !== undefined && bytes.toString('latin1').startsWith(this.#trigger)) this.cut();
    });
    far.on('data', (bytes: Buffer) => {
      if (!this.#mute) near.write(bytes);
      else this.#lost.resolve();
    });
  }
}
