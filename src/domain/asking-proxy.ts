/** Proxies that can ask the gateway whether a request may pass, by their words in the configuration. */
export const ASKING_PROXIES = ['nginx', 'traefik', 'caddy', 'envoy'] as const;

/** A proxy that asks whether a request may pass, and forwards the request itself. */
export type AskingProxy = (typeof ASKING_PROXIES)[number];
