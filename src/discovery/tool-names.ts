/**
 * Longest name of a tool. Models take 64 characters, Cursor 60, and hosts put the name of the server in front:
 * `mcp__weather__` of Claude Code.
 */
const MOST_CHARACTERS = 48;

/** Gives each tool a unique name that hosts of MCP accept. */
export class ToolNames {
  readonly #taken = new Set<string>();

  /** @param wanted what it should be called, such as an `operationId` or `GET_/v1/weather/{city}` */
  take(wanted: string): string {
    const base = nameOf(wanted);
    for (let count = 1; ; count += 1) {
      const ending = count === 1 ? '' : `_${count}`;
      const name = base.slice(0, MOST_CHARACTERS - ending.length) + ending;
      if (!this.#taken.has(name)) {
        this.#taken.add(name);
        return name;
      }
    }
  }
}

function nameOf(wanted: string): string {
  const plain = wanted.replace(/[^A-Za-z0-9-]+/g, '_').replace(/^_+|_+$/g, '');
  return plain === '' ? 'call' : plain;
}
