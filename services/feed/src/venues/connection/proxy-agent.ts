import type { Agent } from "node:http";
import { HttpsProxyAgent } from "https-proxy-agent";
import { getProxyForUrl } from "proxy-from-env";

const thisMachine = /^(localhost|127(\.\d+){3}|\[::1\]|.*\.localhost)$/;

/**
 * The proxy agent for an address by `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`; undefined for a direct connection.
 * Addresses of this machine never go through a proxy, which could not reach them.
 */
export function agentFor(address: URL): Agent | undefined {
  if (thisMachine.test(address.hostname)) return undefined;
  const asHttp = address.href.replace(/^ws/, "http");
  const proxy = getProxyForUrl(asHttp);
  return proxy === "" ? undefined : new HttpsProxyAgent(proxy);
}
