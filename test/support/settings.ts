import type { Devnet } from './devnet.ts';

/** How tests name a facilitator in a configuration text. */
export type FacilitatorSetting =
  | { readonly kind: 'local' }
  | { readonly kind: 'remote'; readonly url: string; readonly settleTimeout?: string };

/** The top of a configuration for the development chain: one upstream, the test payee, one facilitator. */
export function settings(
  devnet: Devnet,
  upstreamUrl: string,
  facilitator: FacilitatorSetting = { kind: 'local' },
): string {
  return [
    `upstream: ${upstreamUrl}`,
    `payTo: "${devnet.accounts.payee.address}"`,
    'accepts: [base-sepolia]',
    'store: memory',
    ...facilitatorLines(devnet, facilitator),
    '',
  ].join('\n');
}

function facilitatorLines(devnet: Devnet, facilitator: FacilitatorSetting): string[] {
  switch (facilitator.kind) {
    case 'local':
      return [
        'facilitator:',
        '  local:',
        `    rpc: { base-sepolia: "${devnet.rpcUrl}" }`,
        `    key: "${devnet.accounts.settler.key}"`,
      ];
    case 'remote':
      return ['facilitator:', `  url: ${facilitator.url}`, `  settleTimeout: ${facilitator.settleTimeout ?? '30s'}`];
  }
}
