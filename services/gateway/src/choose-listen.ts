import type { Logger } from "@tapedeck/runtime";
import type { Listen } from "./listener.js";
import { listenNatively } from "./native-listener.js";
import { listenPlainly } from "./plain-listener.js";
import { type LoadUwsOptions, loadUws } from "./uws.js";

/** No native build of uWebSockets.js loads here, and this is production. The message says what to do. */
export class NoNativeServer extends Error {
  override readonly name = "NoNativeServer";
}

/**
 * uWebSockets.js where a build loads natively; else the library `ws`, which is good enough to try things out.
 *
 * @throws NoNativeServer where that would have to serve in production and `allowSlow` is not set
 */
export function chooseListen(options: {
  production: boolean;
  allowSlow: boolean;
  log: Logger;
  uws?: LoadUwsOptions;
}): Listen & { readonly server: string } {
  const { production, allowSlow, log, uws } = options;
  const found = loadUws(uws);
  if ("uws" in found) {
    const { build, binary } = found;
    if (binary.known) log.info({ build, ...binary }, "uWebSockets.js is native, and its binary is the published one");
    else log.warn({ build, ...binary }, "uWebSockets.js is native, and its binary is not the published one");
    const native: Listen = (listenOptions) => listenNatively(found.uws, listenOptions);
    return Object.assign(native, { server: found.build });
  }
  if (production && !allowSlow) {
    throw new NoNativeServer(
      [
        "gateway cannot start: no build of uWebSockets.js loads natively",
        ...found.reasons.map((reason) => `  ${reason}`),
        "  use Node 20 with glibc 2.27 or later, Node 22 or 24 with glibc 2.38 or later, or set ALLOW_SLOW_UWS=1",
        "  a binary of your own is loaded with ALLOW_UNKNOWN_UWS=1; npm run uws:verify compares what is installed with what was published",
      ].join("\n"),
    );
  }
  log.warn({ reasons: found.reasons }, "no native uWebSockets.js: serving by the library ws, at several times the CPU");
  return Object.assign((listenOptions: Parameters<Listen>[0]) => listenPlainly(listenOptions), { server: "ws" });
}
