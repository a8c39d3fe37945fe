import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { isLoopback } from "./loopback.js";

/** What a browser says of the page on whose behalf it asks. Other clients send Host and none of the others. */
export const guardedHeaders = ["host", "origin", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"] as const;
export type GuardedHeader = (typeof guardedHeaders)[number];

export interface GuardedRequest {
  readonly method: string;
  readonly path: string;
  readonly header: (name: GuardedHeader) => string | undefined;
}

export interface GuardRefusal {
  readonly refused: "HOST_NOT_ALLOWED" | "ORIGIN_NOT_ALLOWED";
  readonly status: 421 | 403;
  readonly message: string;
}

export interface GuardSettings {
  /** The address that the process listens on. */
  readonly HOST: string;
  readonly ALLOWED_HOSTS: readonly string[];
  readonly ALLOWED_ORIGINS: readonly string[];
}

/** Of each answer that is data and no page: what a browser shows of it runs nothing, loads nothing and stands in no frame. */
export const securityHeaders = {
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
} as const;

/** Probes and Prometheus use a pod's address for these, where users use the service's name. */
const statusPaths = new Set(["/health", "/health/live", "/health/ready", "/metrics"]);

/**
 * Decides which host names a process answers to, and which pages of a browser it answers. A page of any site can make a browser ask the
 * loopback address: directly, so Origin is checked, or by a name of its own that resolves to it (DNS rebinding), so Host is checked.
 */
export class RequestGuard {
  /** Whether no other machine reaches the process. `*` says that a proxy in front of it lets others in. */
  readonly local: boolean;
  readonly #hosts: readonly string[];
  readonly #origins: readonly string[];
  readonly #readers: "any" | "listed";

  constructor({ HOST, ALLOWED_HOSTS, ALLOWED_ORIGINS }: GuardSettings) {
    this.local = isLoopback(HOST) && !ALLOWED_HOSTS.includes("*");
    this.#hosts = ALLOWED_HOSTS.length === 0 && !this.local ? ["*"] : ALLOWED_HOSTS.map((name) => name.toLowerCase());
    this.#origins = ALLOWED_ORIGINS.length === 0 && this.local ? ["loopback"] : ALLOWED_ORIGINS;
    this.#readers = ALLOWED_ORIGINS.length === 0 ? "any" : "listed";
  }

  /** Why a request is not answered; undefined where it may go on. Asked before anything else is done. */
  refusal(request: GuardedRequest): GuardRefusal | undefined {
    return this.hostRefusal(request) ?? this.#pageRefusal(request);
  }

  /** The same by the Host header alone: for a proxy, whose services look at the page. */
  hostRefusal({ path, header }: Pick<GuardedRequest, "path" | "header">): GuardRefusal | undefined {
    const host = header("host");
    if (host === undefined) return undefined; // no browser leaves it out
    const name = nameIn(host);
    if (name !== undefined && (isLoopback(name) || this.#hosts.some((listed) => matches(listed, name))))
      return undefined;
    if (name !== undefined && !this.local && statusPaths.has(path) && isAddress(name)) return undefined;
    const accepted = ["loopback names (localhost, *.localhost, 127.0.0.0/8, [::1])", ...this.#hosts].join(", ");
    const message = `Host ${quoted(host)} is not accepted here. Accepted: ${accepted}. ALLOWED_HOSTS lists others.`;
    return { refused: "HOST_NOT_ALLOWED", status: 421, message };
  }

  /**
   * Whether a cookie counts. Browsers send it along with whatever a page of any site asks, so it does not say that the user meant it:
   * the page has to be of our own origin, or listed.
   */
  trustsCookie({ header }: Pick<GuardedRequest, "header">): boolean {
    const from = header("origin");
    if (from !== undefined && this.#lists(from)) return true;
    if (header("sec-fetch-site") === "cross-site") return false;
    return from === undefined || isOwn(from, header("host"));
  }

  /** `Access-Control-Allow-Origin` of the answer to a request that was let in. */
  corsOrigin(from: string | undefined): string | undefined {
    if (this.#readers === "any") return "*";
    return from !== undefined && this.#lists(from) ? from : undefined;
  }

  #pageRefusal({ method, header }: GuardedRequest): GuardRefusal | undefined {
    const reads = method === "GET" || method === "HEAD" || method === "OPTIONS";
    const navigates = header("sec-fetch-mode") === "navigate";
    if (navigates && !reads) {
      return refusePage("Sec-Fetch-Mode navigate: a page's form changes nothing here, commands are sent by scripts.");
    }
    const from = header("origin");
    if (from !== undefined) {
      if (this.#origins.length === 0 || this.#lists(from) || isOwn(from, header("host"))) return undefined;
      return refusePage(`Origin ${quoted(from)} may not ask here. ${this.#acceptedPages}`);
    }
    if (header("sec-fetch-site") !== "cross-site") return undefined;
    // A link anywhere may open a page of ours: the page that holds the link cannot read it.
    const opens = navigates && header("sec-fetch-dest") === "document";
    if (opens || (reads && !this.local)) return undefined;
    return refusePage(`Sec-Fetch-Site cross-site: pages of another site may not ask here. ${this.#acceptedPages}`);
  }

  get #acceptedPages(): string {
    return `Accepted: ${["pages of this host", ...this.#origins].join(", ")}. ALLOWED_ORIGINS lists others.`;
  }

  #lists(from: string): boolean {
    return this.#origins.some((listed) => (listed === "loopback" ? isLoopbackPage(from) : listed === from));
  }
}

/** What the guard looks at in a request of Node's server. */
export function guardedRequest({ method = "GET", url = "/", headers }: IncomingMessage): GuardedRequest {
  return {
    method,
    path: url.split("?")[0] ?? "/",
    header: (name) => {
      const value = headers[name];
      return Array.isArray(value) ? value[0] : value;
    },
  };
}

function refusePage(message: string): GuardRefusal {
  return { refused: "ORIGIN_NOT_ALLOWED", status: 403, message };
}

/** The name in a Host header, as URLs spell it: 0x7f.1 is 127.0.0.1. */
function nameIn(host: string): string | undefined {
  const url = `http://${host}/`;
  return /^[\w.:[\]-]+$/.test(host) && URL.canParse(url) ? new URL(url).hostname.replace(/\.$/, "") : undefined;
}

function matches(listed: string, name: string): boolean {
  if (listed === "*") return true;
  return listed.startsWith("*.") ? name.endsWith(listed.slice(1)) : name === listed;
}

function isAddress(name: string): boolean {
  return isIP(name.replace(/^\[|\]$/g, "")) !== 0;
}

function isLoopbackPage(from: string): boolean {
  return URL.canParse(from) && /^https?:$/.test(new URL(from).protocol) && isLoopback(new URL(from).hostname);
}

/** Whether a page comes from the very host that it asks. TLS may have ended in front of us, so the scheme is the page's. */
function isOwn(from: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(from)) return false;
  const { protocol, host: own } = new URL(from);
  const asked = `${protocol}//${host}`;
  return /^https?:$/.test(protocol) && URL.canParse(asked) && new URL(asked).host === own;
}

/** A client's own text, of which a log line or an answer holds a bounded part. */
function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
