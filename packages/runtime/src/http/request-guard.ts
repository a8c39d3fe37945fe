import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";

/** What a browser says about the page that a request is from. Other clients send only Host. */
export const guardedHeaders = ["host", "origin", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"] as const;
export type GuardedHeader = (typeof guardedHeaders)[number];

interface GuardedRequest {
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

/** For every response that is data and not a page: if a browser shows it, it runs no script, loads nothing and cannot be framed. */
export const securityHeaders = {
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
} as const;

/** Probes and Prometheus request these by a pod's address, where users use the service's name. */
const statusPaths = new Set(["/health", "/health/live", "/health/ready", "/metrics"]);

/**
 * Decides which host names and which pages a process answers. A page of any site can make a browser send requests to the loopback address:
 * directly, so Origin is checked, or by a name of its own that resolves to it (DNS rebinding), so Host is checked.
 */
export class RequestGuard {
  /** Whether no other machine can reach the process. `*` means that a proxy in front of it admits others. */
  readonly local: boolean;
  readonly #hosts: readonly string[];
  readonly #origins: readonly string[];
  readonly #anyOriginReads: boolean;

  constructor({ HOST, ALLOWED_HOSTS, ALLOWED_ORIGINS }: GuardSettings) {
    this.local = isLoopback(HOST) && !ALLOWED_HOSTS.includes("*");
    this.#hosts = ALLOWED_HOSTS.length === 0 && !this.local ? ["*"] : ALLOWED_HOSTS.map((name) => name.toLowerCase());
    this.#origins = ALLOWED_ORIGINS.length === 0 && this.local ? ["loopback"] : ALLOWED_ORIGINS;
    this.#anyOriginReads = ALLOWED_ORIGINS.length === 0;
  }

  /** Why a request is refused; undefined if it may continue. Call it before anything else. */
  refusal(request: GuardedRequest): GuardRefusal | undefined {
    return this.hostRefusal(request) ?? this.#pageRefusal(request);
  }

  /** Checks only the Host header: for a proxy whose services check the page. */
  hostRefusal({ path, header }: Pick<GuardedRequest, "path" | "header">): GuardRefusal | undefined {
    const host = header("host");
    if (host === undefined) return undefined; // every browser sends it
    const name = hostNameOf(host);
    if (name !== undefined && (isLoopback(name) || this.#hosts.some((listed) => matches(listed, name))))
      return undefined;
    if (name !== undefined && !this.local && statusPaths.has(path) && isAddress(name)) return undefined;
    const accepted = ["loopback names (localhost, *.localhost, 127.0.0.0/8, [::1])", ...this.#hosts].join(", ");
    const message = `Host ${quoted(host)} is not allowed. Allowed: ${accepted}. Set ALLOWED_HOSTS to allow others.`;
    return { refused: "HOST_NOT_ALLOWED", status: 421, message };
  }

  /**
   * Whether a cookie authenticates this request. Browsers attach cookies to requests of any site's pages, so a cookie does not show that the
   * user meant the request: the page must be of our own origin, or listed.
   */
  trustsCookie({ header }: Pick<GuardedRequest, "header">): boolean {
    const from = header("origin");
    if (from !== undefined && this.#lists(from)) return true;
    if (header("sec-fetch-site") === "cross-site") return false;
    return from === undefined || isSameHost(from, header("host"));
  }

  /** `Access-Control-Allow-Origin` of the response to an accepted request. */
  corsOrigin(from: string | undefined): string | undefined {
    if (this.#anyOriginReads) return "*";
    return from !== undefined && this.#lists(from) ? from : undefined;
  }

  #pageRefusal({ method, header }: GuardedRequest): GuardRefusal | undefined {
    const reads = method === "GET" || method === "HEAD" || method === "OPTIONS";
    const navigates = header("sec-fetch-mode") === "navigate";
    if (navigates && !reads) {
      return refusePage("Sec-Fetch-Mode navigate: HTML forms are not accepted; send commands from a script.");
    }
    const from = header("origin");
    if (from !== undefined) {
      if (this.#origins.length === 0 || this.#lists(from) || isSameHost(from, header("host"))) return undefined;
      return refusePage(`Origin ${quoted(from)} is not allowed. ${this.#allowedPages}`);
    }
    if (header("sec-fetch-site") !== "cross-site") return undefined;
    // A link on any site may open one of our pages: the page with the link cannot read it.
    const opens = navigates && header("sec-fetch-dest") === "document";
    if (opens || (reads && !this.local)) return undefined;
    return refusePage(`Sec-Fetch-Site cross-site: pages of other sites are not allowed. ${this.#allowedPages}`);
  }

  get #allowedPages(): string {
    return `Allowed: ${["pages of this host", ...this.#origins].join(", ")}. Set ALLOWED_ORIGINS to allow others.`;
  }

  #lists(from: string): boolean {
    return this.#origins.some((listed) => (listed === "loopback" ? isLoopbackPage(from) : listed === from));
  }
}

/** A request of Node's server as the guard sees it. */
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

/** Whether an address to listen on, or a host name in a URL, is this machine's own: no other machine can reach it. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, "");
  return (
    name === "localhost" ||
    name.endsWith(".localhost") ||
    name === "::1" ||
    name === "[::1]" ||
    (isIP(name) === 4 && name.startsWith("127."))
  );
}

function refusePage(message: string): GuardRefusal {
  return { refused: "ORIGIN_NOT_ALLOWED", status: 403, message };
}

/** The name in a Host header, in the canonical form of URLs: 0x7f.1 is 127.0.0.1. */
function hostNameOf(host: string): string | undefined {
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

/** Whether a page is from the same host that it sends the request to. TLS may end in front of us, so the page's scheme counts. */
function isSameHost(from: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(from)) return false;
  const { protocol, host: own } = new URL(from);
  const requested = `${protocol}//${host}`;
  return /^https?:$/.test(protocol) && URL.canParse(requested) && new URL(requested).host === own;
}

/** A client's text, shortened so that a log line or response stays bounded. */
function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
