import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The part of uWebSockets.js that the gateway uses, the same in every build since v20. The types of the packages are incomplete. */
export interface Uws {
  App(): UwsApp;
  us_listen_socket_close(socket: UwsListenSocket): void;
  us_socket_local_port(socket: UwsListenSocket): number;
}
type UwsListenSocket = { readonly __native: "listen socket" };
export type UwsContext = { readonly __native: "socket context" };

interface UwsApp {
  ws<Data>(pattern: string, behavior: UwsBehavior<Data>): UwsApp;
  any(pattern: string, handler: (res: UwsResponse, req: UwsRequest) => void): UwsApp;
  listen(host: string, port: number, done: (socket: UwsListenSocket | false) => void): UwsApp;
}
interface UwsBehavior<Data> {
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
interface UwsSocket<Data> {
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
  /** The first header of this name. */
  getHeader(name: string): string;
  /** Calls `read` for each header line; names are in lower case. */
  forEach(read: (name: string, value: string) => void): void;
}
export interface UwsResponse {
  writeStatus(status: string): UwsResponse;
  writeHeader(name: string, value: string): UwsResponse;
  end(body: string): unknown;
  /** Closes the connection at once, without a response. */
  close(): unknown;
  cork(run: () => void): unknown;
  onAborted(handler: () => void): unknown;
  getRemoteAddress(): ArrayBuffer;
  upgrade<Data>(data: Data, key: string, protocol: string, extensions: string, context: UwsContext): void;
}

/** Packages on npm that copy the author's builds, the newest first. README says how to use the author's own instead. */
const builds = ["@btc-vision/uwebsockets.js", "@trufflesuite/uws-js-unofficial"];

/** The native code of a package, which runs with all rights of the process as soon as it is loaded. */
interface Binary {
  /** Its path from `node_modules` on, as in `uws-binaries.sha256`. */
  readonly name: string;
  readonly sha256: string;
  /** Its hash is listed in this repository: it is the published binary of this version. */
  readonly known: boolean;
}

interface NativeUws {
  readonly uws: Uws;
  /** Package and version, for the log. */
  readonly build: string;
  readonly binary: Binary;
}

export interface LoadUwsOptions {
  readonly load?: NodeJS.Require;
  readonly binary?: (build: string) => Binary | undefined;
  /** Also load a binary that is not the published one, such as one that was built here. */
  readonly allowUnknown?: boolean;
}

/**
 * Loads the first build of uWebSockets.js that is native on this machine. Its binary is hashed before: native code that was
 * exchanged must not run.
 *
 * @returns the build, or for each build the reason why it does not load
 */
export function loadUws({
  load = createRequire(import.meta.url),
  binary: findBinary = (build) => binaryOf(load.resolve, build),
  allowUnknown = false,
}: LoadUwsOptions = {}): NativeUws | { reasons: string[] } {
  const reasons: string[] = [];
  for (const build of builds) {
    try {
      const binary = findBinary(build);
      if (binary === undefined) {
        reasons.push(`${build}: has no binary for this platform and Node ${process.versions.node}`);
        continue;
      }
      if (!binary.known && !allowUnknown) {
        reasons.push(`${build}: ${binary.name} has the unknown SHA-256 ${binary.sha256}, so it is not loaded`);
        continue;
      }
      const { uws, printed } = loadQuietly(() => load(build));
      if (isUws(uws)) return { uws, build: `${build}@${versionOf(load, build)}`, binary };
      reasons.push(`${build}: ${printed || "is not native on this machine"}`);
    } catch (error) {
      reasons.push(`${build}: ${lastLine(error instanceof Error ? error.message : String(error))}`);
    }
  }
  return { reasons };
}

/**
 * One of the packages falls back to a JavaScript server with only a warning, and that server has neither upgrade handlers nor
 * addresses. Functions of a compiled addon have no source code, which tells the two apart.
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

/** Loads a package that prints its problems, and returns them instead. */
function loadQuietly(load: () => unknown): { uws: unknown; printed: string } {
  const { warn, log } = console;
  const lines: string[] = [];
  const collect = (...words: unknown[]): void => void lines.push(words.join(" "));
  console.warn = collect;
  console.log = collect;
  try {
    const uws = load();
    return { uws, printed: lastLine(lines[0] ?? "") };
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

/** In the form of `sha256sum --check`. `npm run uws:verify` compares this list with what is installed. */
const listFile = new URL("../../uws-binaries.sha256", import.meta.url);

/** @returns undefined where the package has no binary for this platform and this version of Node */
export function binaryOf(resolve: (build: string) => string, build: string): Binary | undefined {
  const file = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;
  const main = dirname(resolve(build));
  const path = [join(main, file), join(main, "..", "binaries", file)].find(existsSync);
  if (path === undefined) return undefined;
  const name = path.slice(path.lastIndexOf("node_modules")).replaceAll("\\", "/");
  const sha256 = createHash("sha256").update(readFileSync(path)).digest("hex");
  return { name, sha256, known: knownHashes().get(name) === sha256 };
}

function knownHashes(): Map<string, string> {
  const lines = readFileSync(listFile, "utf8").trimEnd().split("\n");
  return new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]));
}
