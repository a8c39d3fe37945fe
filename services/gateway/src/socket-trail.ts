import type { Audit, AuditEvent, Principal } from "@tapedeck/access";
import type { CloseCode, RefusalCode } from "@tapedeck/protocol";

/** Closes that the audit trail wants; the others say nothing of who may do what. */
const audited: Readonly<Partial<Record<CloseCode, { readonly event: AuditEvent; readonly result: RefusalCode }>>> = {
  1008: { event: "refusal", result: "ORIGIN_NOT_ALLOWED" },
  4401: { event: "refusal", result: "UNAUTHORIZED" },
  4403: { event: "refusal", result: "FORBIDDEN" },
  4429: { event: "limit", result: "TOO_MANY_REQUESTS" },
};
const denials: ReadonlySet<string> = new Set<RefusalCode>(["UNAUTHORIZED", "FORBIDDEN"]);

export interface SocketTrailOptions {
  readonly audit: Audit;
  readonly address: string;
  readonly session: string | undefined;
  /** Of the request for the socket; commands bring ids of their own. */
  readonly requestId: string | undefined;
}

/** What the audit trail gets of one socket, from its request to its end. */
export class SocketTrail {
  /** Undefined until a token has said who it is. */
  who: Principal | undefined;
  readonly #options: SocketTrailOptions;

  constructor(options: SocketTrailOptions) {
    this.#options = options;
  }

  /** We close the socket, or never let it in. */
  closed(code: CloseCode, reason: string): void {
    const { requestId } = this.#options;
    const close = audited[code];
    if (close !== undefined) this.#enter({ ...close, action: "watch", requestId, reason });
  }

  /** A command has been carried out or refused; so has a fresh token, as `auth`. */
  answered(action: string, result: "ok" | RefusalCode, requestId?: string | number, reason?: string): void {
    if (denials.has(result)) this.#enter({ event: "refusal", action, result, requestId, reason });
    else this.#enter({ event: action === "order" ? "order" : "command", action, result, requestId });
  }

  #enter(act: Omit<Parameters<Audit>[0], "principal" | "address" | "session">): void {
    const { audit, address, session } = this.#options;
    audit({ ...act, principal: this.who, address, session });
  }
}
