import { createRequire } from "node:module";
import { type Binary, binaryOf } from "./uws-binary.js";

/** The part of uWebSockets.js that the gateway uses, alike in every build since v20. Its own types leave holes. */
export interface Uws {
  App(): UwsApp;
  us_listen_socket_close(socket: UwsListenSocket): void;
  us_socket_local_port(socket: UwsListenSocket): number;
}
export type UwsListenSocket = { readonly __native: "listen socket" };
export type UwsContext = { readonly __native: "socket context" };

export interface UwsApp {
  ws<Data>(pattern: string, behavior: UwsBehavior<Data>): UwsApp;
  any(pattern: string, handler: (res: UwsResponse, req: UwsRequest) => void): UwsApp;
  listen(host: string, port: number, done: (socket: UwsListenSocket | false) => void): UwsApp;
}
export interface UwsBehavior<Data> {
  maxPayloadLength: number;
  maxBackpressure: number;
  /** Seconds. */
  idleTimeout: number;
  sendPingsAutomatically: boolean;
  upgrade(res: UwsResponse, req: UwsRequest, context: UwsContext): void;
  open(ws: UwsSocket<Data>): void;
  message(ws: UwsSocket<Data>, data: ArrayBuffer, isBinary: boolean): void;
  drain(ws: UwsSocket<Data>): void;
  close(ws: UwsSocket<Data>, code: number, reason: ArrayBuffer): void;
}
export interface UwsSocket<Data> {
  send(message: string | Uint8Array, isBinary?: boolean): number;
  getBufferedAmount(): number;
  cork(run: () => void): unknown;
  end(code: number, reason: string): void;
  close(): void;
  getUserData(): Data;
}
export interface UwsRequest {
  getUrl(): string;
  getQuery(): string;
  getMethod(): string;
  /** The first one of this name. */
  getHeader(name: string): string;
  /** Each line of the head; names are in lower case. */
  forEach(read: (name: string, value: string) => void): void;
}
export interface UwsResponse {
  writeStatus(status: string): UwsResponse;
  writeHeader(name: string, value: string): UwsResponse;
  end(body: string): unknown;
  /** At once, without an answer. */
  close(): unknown;
  cork(run: () => void): unknown;
  onAborted(handler: () => void): unknown;
  getRemoteAddress(): ArrayBuffer;
  upgrade<Data>(data: Data, key: string, protocol: string, extensions: string, context: UwsContext): void;
}

/** npm's repackagings of the author's builds, the newest first; README says how to put the author's own in their place. */
const builds = ["@btc-vision/uwebsockets.js", "@trufflesuite/uws-js-unofficial"];

export interface NativeUws {
  readonly uws: Uws;
  /** Package and version, for the log. */
  readonly build: string;
  readonly binary: Binary;
}

export interface LoadUwsOptions {
  readonly load?: NodeJS.Require;
  readonly binary?: (build: string) => Binary | undefined;
  /** Load also a binary that is not the published one, such as one that was built here. */
  readonly allowUnknown?: boolean;
}

/**
 * Chooses the build of uWebSockets.js that loads natively on this machine. Its binary is looked at first: native code that was
 * exchanged must not run.
 *
 * @returns the build, or one sentence per build that says why it does not load
 */
export function loadUws({
  load = createRequire(import.meta.url),
  binary: look = (build) => binaryOf(load.resolve, build),
  allowUnknown = false,
}: LoadUwsOptions = {}): NativeUws | { reasons: string[] } {
  const reasons: string[] = [];
  for (const build of builds) {
    try {
      const binary = look(build);
      if (binary === undefined) {
        reasons.push(`${build}: has no binary for this platform and Node ${process.versions.node}`);
        continue;
      }
      if (!binary.known && !allowUnknown) {
        reasons.push(`${build}: ${binary.name} has the unknown SHA-256 ${binary.sha256}, so it is not loaded`);
        continue;
      }
      const { uws, said } = quietly(() => load(build));
      if (isUws(uws)) return { uws, build: `${build}@${versionOf(load, build)}`, binary };
      reasons.push(`${build}: ${said || "is not native on this machine"}`);
    } catch (error) {
      reasons.push(`${build}: ${lastLine(error instanceof Error ? error.message : String(error))}`);
    }
  }
  return { reasons };
}

/**
 * One of the packages falls back to a server in JavaScript, with no more than a warning, and that one knows neither upgrade
 * handlers nor addresses. A function of a compiled addon has no source; that tells them apart.
 */
function isUws(module: unknown): module is Uws {
  return (
    typeof module === "object" &&
    module !== null &&
    "App" in module &&
    typeof module.App === "function" &&
    Function.prototype.toString.call(module.App).includes("[native code]")
  );
}

/** Loads a package that prints its troubles, and hands them over instead. */
function quietly(load: () => unknown): { uws: unknown; said: string } {
  const { warn, log } = console;
  const lines: string[] = [];
  const listen = (...words: unknown[]): void => void lines.push(words.join(" "));
  console.warn = listen;
  console.log = listen;
  try {
    const uws = load();
    return { uws, said: lastLine(lines[0] ?? "") };
  } finally {
    console.warn = warn;
    console.log = log;
  }
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}

function versionOf(load: NodeJS.Require, build: string): string {
  const paths = load.resolve.paths(build) ?? [];
  for (const path of paths) {
    try {
      const manifest: unknown = load(`${path}/${build}/package.json`);
      if (typeof manifest === "object" && manifest !== null && "version" in manifest) return String(manifest.version);
    } catch {
      // Not in this folder of the search path.
    }
  }
  return "unknown";
}
