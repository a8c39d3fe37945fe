import { type Logger, StartupError } from "@tapedeck/runtime";
import { type LoadUwsOptions, loadUws } from "./load-uws.js";
import type { StartServer } from "./server.js";
import { startUwsServer } from "./uws-server.js";
import { startWsServer } from "./ws-server.js";

/** No build of uWebSockets.js loads natively, and this is production. The message says what to do. */
export class NoNativeServer extends StartupError {
  override readonly name = "NoNativeServer";
}

/**
 * Chooses uWebSockets.js if a build loads natively, else the library `ws`, which is fast enough to try things out.
 *
 * @throws NoNativeServer if `ws` would have to serve in production and `allowSlow` is not set
 */
export function chooseServer(options: {
  production: boolean;
  allowSlow: boolean;
  log: Logger;
  uws?: LoadUwsOptions;
}): StartServer & { readonly server: string } {
  const { production, allowSlow, log, uws } = options;
  const loaded = loadUws(uws);
  if ("uws" in loaded) {
    const { build, binary } = loaded;
    if (binary.known) log.info({ build, ...binary }, "uWebSockets.js is native, and its binary is the published one");
    else log.warn({ build, ...binary }, "uWebSockets.js is native, and its binary is not the published one");
    const start: StartServer = (serverOptions) => startUwsServer(loaded.uws, serverOptions);
    return Object.assign(start, { server: build });
  }
  if (production && !allowSlow) {
    throw new NoNativeServer(
      [
        "gateway cannot start: no build of uWebSockets.js loads natively",
        ...loaded.reasons.map((reason) => `  ${reason}`),
        "  use Node 20 with glibc 2.27 or later, Node 22 or 24 with glibc 2.38 or later, or set ALLOW_SLOW_UWS=1",
        "  a binary of your own is loaded with ALLOW_UNKNOWN_UWS=1; npm run uws:verify compares what is installed with what was published",
      ].join("\n"),
    );
  }
  log.warn(
    { reasons: loaded.reasons },
    "no native uWebSockets.js: serving by the library ws, at several times the CPU",
  );
  const start: StartServer = (serverOptions) => startWsServer(serverOptions);
  return Object.assign(start, { server: "ws" });
}
