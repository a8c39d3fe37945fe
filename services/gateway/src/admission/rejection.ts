import { type CloseCode, closeCodes, RefusedError, sessionGoneReasons, subprotocol } from "@tapedeck/protocol";
import type { Logger } from "@tapedeck/runtime";
import { refusalResponse } from "../server/http.js";
import type { Socket, SocketEvents, Upgrade } from "../server/server.js";
import type { SocketAudit } from "./socket-audit.js";

/** A socket that is accepted only to be closed with a code: a browser cannot see why an upgrade failed. */
class RejectedSocket implements SocketEvents {
  readonly #code: CloseCode;
  readonly #reason: string;

  constructor(code: CloseCode, reason: string) {
    this.#code = code;
    this.#reason = reason;
  }

  opened(socket: Socket): void {
    socket.end(this.#code, this.#reason);
  }
  message(): void {}
  drained(): void {}
  closed(): void {}
}

/** Accepts the socket and closes it. A close reason may have 123 bytes. */
export function reject(
  upgrade: Upgrade,
  audit: SocketAudit,
  code: CloseCode,
  reason: string = closeCodes[code].name,
): void {
  audit.closed(code, reason);
  const protocol = speaksV1(upgrade) ? { protocol: subprotocol } : {};
  upgrade.accept(new RejectedSocket(code, reason.slice(0, 120)), protocol);
}

/** Rejects a socket because of what its admission threw. */
export function rejectFor(error: unknown, upgrade: Upgrade, audit: SocketAudit, log: Logger): void {
  if (!(error instanceof RefusedError)) {
    log.error({ err: error }, "socket not admitted; its client gets 503");
    upgrade.refuse(refusalResponse("UNAVAILABLE", "The session cannot be opened at the moment."));
  } else if (error.status === 503) {
    upgrade.refuse(refusalResponse(error.code, error.message));
  } else if (error.code === "SESSION_NOT_FOUND") {
    reject(upgrade, audit, 4404, sessionGoneReasons.expired);
  } else if (error.status === 401) {
    reject(upgrade, audit, 4401, error.message);
  } else if (error.status === 403) {
    reject(upgrade, audit, 4403);
  } else {
    reject(upgrade, audit, error.status === 429 ? 4429 : 4400, error.message);
  }
}

/** Whether the client offers our subprotocol. Those that do not are legacy clients. */
export function speaksV1(upgrade: Upgrade): boolean {
  const offered = upgrade.header("sec-websocket-protocol") ?? "";
  return offered.split(",").some((word) => word.trim() === subprotocol);
}
