import type { Audit, AuditEvent, Principal } from "@tapedeck/access";
import type { CloseCode, RefusalCode } from "@tapedeck/protocol";

/** The closes that the audit trail records; the others do not concern rights. */
const auditedCloses: Readonly<
  Partial<Record<CloseCode, { readonly event: AuditEvent; readonly result: RefusalCode }>>
> = {
  1008: { event: "refusal", result: "ORIGIN_NOT_ALLOWED" },
  4401: { event: "refusal", result: "UNAUTHORIZED" },
  4403: { event: "refusal", result: "FORBIDDEN" },
  4429: { event: "limit", result: "TOO_MANY_REQUESTS" },
};
const denials: ReadonlySet<string> = new Set<RefusalCode>(["UNAUTHORIZED", "FORBIDDEN"]);

interface SocketAuditOptions {
  readonly audit: Audit;
  readonly address: string;
  readonly session: string | undefined;
  /** Of the request for the socket; commands bring their own. */
  readonly requestId: string | undefined;
}

/** Writes one socket's entries of the audit trail, from its request to its end. */
export class SocketAudit {
  /** Undefined until a token has been accepted. */
  principal: Principal | undefined;
  readonly #options: SocketAuditOptions;

  constructor(options: SocketAuditOptions) {
    this.#options = options;
  }

  /** The gateway closes the socket, or does not admit it. */
  closed(code: CloseCode, reason: string): void {
    const { requestId } = this.#options;
    const close = auditedCloses[code];
    if (close !== undefined) this.#write({ ...close, action: "watch", requestId, reason });
  }

  /** A command was carried out or refused. The action of a fresh token is `auth`. */
  answered(action: string, result: "ok" | RefusalCode, requestId?: string | number, reason?: string): void {
    if (denials.has(result)) this.#write({ event: "refusal", action, result, requestId, reason });
    else this.#write({ event: action === "order" ? "order" : "command", action, result, requestId });
  }

  #write(entry: Omit<Parameters<Audit>[0], "principal" | "address" | "session">): void {
    const { audit, address, session } = this.#options;
    audit({ ...entry, principal: this.principal, address, session });
  }
}
