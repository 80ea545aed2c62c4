import { OpenCalls } from './open-calls.ts';
import { OutputSchemas } from './output-schemas.ts';

/** What a process knows of the MCP servers behind it, and of the calls that are there. */
export class McpState {
  readonly outputSchemas = new OutputSchemas();
  readonly openCalls = new OpenCalls();
}
