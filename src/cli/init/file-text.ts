import type { RouteDraft } from './drafts.ts';

/** What the file says before its routes. */
export interface GatewayDraft {
  readonly upstream: string;
  readonly payTo: string;
  readonly network: string;
  readonly facilitator: string;
  /** Where the routes came from, for the comment above them. */
  readonly origin: string | undefined;
  /** Where the API's description is from this file; `undefined` where there is none. */
  readonly description?: string | undefined;
  readonly notes: readonly string[];
}

/** Writes a commented `gateway.yaml`. */
export function configText(gateway: GatewayDraft, routes: readonly RouteDraft[]): string {
  const { upstream, payTo, network, facilitator, origin, description, notes } = gateway;
  return [
    '# Written by `turnpike init`. `turnpike check` validates it, `turnpike explain GET /path` shows what a request costs.',
    '# `turnpike schema` is the JSON Schema for editors.',
    '',
    'listen: 127.0.0.1:8402                 # where buyers connect; 0.0.0.0:8402 for all addresses of this machine',
    'admin: 127.0.0.1:9402                  # /livez, /readyz and /metrics',
    '# publicUrl: https://api.example.com   # the origin that buyers see, once there is one',
    ...(description === undefined
      ? []
      : [
          `# discovery: { openapi: ${scalar(description)} }   # publishes what is for sale of it; \`turnpike openapi\` shows it`,
        ]),
    '',
    `upstream: ${scalar(upstream)}   # the API behind the gateway`,
    `payTo: ${scalar(payTo)}   # your wallet`,
    `accepts: [${scalar(network)}]   # networks that you are paid on`,
    `facilitator: ${scalar(facilitator)}   # verifies and settles`,
    '',
    'store: sqlite:./turnpike.db            # the ledger of payments',
    'settle: after                          # the money moves once the API answered with a 2xx status',
    'unmatched: deny                        # 404 for every request that no route matches: nothing is free by accident',
    '',
    ...(origin === undefined ? [] : [`# ${comment(origin)}`]),
    ...notes.map((note) => `# ${comment(note)}`),
    routes.length === 0 ? 'routes: []' : 'routes:',
    ...routes.flatMap(routeLines),
    '',
  ].join('\n');
}

function routeLines({ method, path, name, price, description, mimeType, comments }: RouteDraft): string[] {
  const rows = [
    ...comments.map((each) => `# ${comment(each)}`),
    `path: ${scalar(path)}`,
    ...(method === '*' ? [] : [`methods: [${method}]`]),
    ...(name === undefined ? [] : [`name: ${scalar(name)}`]),
    `price: ${price}`,
    ...(description === undefined ? [] : [`description: ${scalar(description)}`]),
    ...(mimeType === undefined ? [] : [`mimeType: ${scalar(mimeType)}`]),
  ];
  const [first, ...others] = rows.filter((row) => !row.startsWith('#'));
  return [
    ...rows.filter((row) => row.startsWith('#')).map((row) => `  ${row}`),
    `  - ${first}`,
    ...others.map((row) => `    ${row}`),
  ];
}

/** A YAML text that means exactly `text`: a JSON string is one, and `${` would be an expansion. */
function scalar(text: string): string {
  if (/^[A-Za-z/][A-Za-z0-9/_.-]*$/.test(text) && !/^(?:true|false|null|yes|no|on|off)$/i.test(text)) return text;
  return JSON.stringify(text).replaceAll(`\${`, () => `$\${`);
}

function comment(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
}
