import { readApiConfig } from "../../services/api/src/config.js";
import { readFeedConfig } from "../../services/feed/src/config.js";
import { readGatewayConfig } from "../../services/gateway/src/config.js";
import { readTickerConfig } from "../../services/ticker/src/config.js";
import { readVenueConfig } from "../../services/venue/src/config.js";

/** Each service's own reading of its environment, which throws for what is wrong. */
export const configReaders = {
  api: readApiConfig,
  gateway: readGatewayConfig,
  ticker: readTickerConfig,
  feed: readFeedConfig,
  venue: readVenueConfig,
} as const;

export type ServiceName = keyof typeof configReaders;
export const serviceNames: readonly ServiceName[] = ["api", "gateway", "ticker", "feed", "venue"];

/** What the libraries of a service read by themselves. */
const ofLibraries = new Set(["AWS_REGION"]);

/** A service's settings out of an environment, and what of that environment it does not know. Throws for a wrong value. */
export function settingsOf(service: ServiceName, env: Readonly<Record<string, string>>) {
  const config: Readonly<Record<string, unknown>> = { ...configReaders[service](env) };
  return { config, unknown: Object.keys(env).filter((name) => !(name in config) && !ofLibraries.has(name)) };
}
