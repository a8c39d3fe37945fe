import type { Logger } from "@tapedeck/runtime";
import type { Listen } from "./listener.js";
import { listenNatively } from "./native-listener.js";
import { listenPlainly } from "./plain-listener.js";
import { loadUws } from "./uws.js";

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
  load?: NodeJS.Require;
}): Listen & { readonly server: string } {
  const { production, allowSlow, log, load } = options;
  const found = loadUws(load);
  if ("uws" in found) {
    log.info({ build: found.build }, "uWebSockets.js is native");
    const native: Listen = (listenOptions) => listenNatively(found.uws, listenOptions);
    return Object.assign(native, { server: found.build });
  }
  if (production && !allowSlow) {
    throw new NoNativeServer(
      [
        "gateway cannot start: no build of uWebSockets.js loads natively",
        ...found.reasons.map((reason) => `  ${reason}`),
        "  use Node 20 with glibc 2.27 or later, Node 22 or 24 with glibc 2.38 or later, or set ALLOW_SLOW_UWS=1",
      ].join("\n"),
    );
  }
  log.warn({ reasons: found.reasons }, "no native uWebSockets.js: serving by the library ws, at several times the CPU");
  return Object.assign((listenOptions: Parameters<Listen>[0]) => listenPlainly(listenOptions), { server: "ws" });
}
