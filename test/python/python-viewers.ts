import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { ConnectionChange, Frame, SessionView } from "@tapedeck/client";
import { z } from "zod";
import type { SeenFrame } from "../support/viewer.js";
import { environmentOfPython, root } from "./python-environment.js";

interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** A line of viewers.py. What is inside a frame or a view is compared by the tests. */
interface Line {
  readonly answer?: number;
  readonly result?: unknown;
  readonly error?: Refusal | null;
  readonly left?: readonly string[];
  readonly viewer?: string;
  readonly event?: string;
  readonly at?: number;
  readonly node?: string;
  readonly frames?: readonly Frame[];
  readonly frame?: Frame;
  readonly epoch?: number;
  readonly complete?: boolean;
  readonly session?: SessionView;
  readonly cause?: string;
  readonly connection?: ConnectionChange["connection"];
  readonly why?: string | null;
  readonly retryInMs?: number | null;
  readonly reason?: string;
  readonly fill?: unknown;
  readonly order?: unknown;
}

/** A call of `trading` in Python, with its names. */
export interface TradeRequest {
  readonly method: string;
  /** Of a branch. */
  readonly branch?: string;
  readonly arguments?: readonly unknown[];
  readonly options?: Readonly<Record<string, unknown>>;
}

export interface OpenRequest {
  readonly url: string | readonly string[];
  readonly gateways?: readonly string[];
  readonly token?: string;
  readonly tokens?: readonly (string | null)[];
  /** Of the Python client, so with its names: `silence_ms`. */
  readonly timing?: Readonly<Record<string, number>>;
  /** Of `Tapedeck.open`, or of the call. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/** Short enough for tests. */
export const fastTiming = { backoff_ms: 50, max_backoff_ms: 500, open_ms: 2000 };

const opened = z.object({ session: z.string() });
const stats = z.object({
  connection: z.string(),
  framesReceived: z.int(),
  latencyMs: z.number().nullable(),
  position: z.tuple([z.int(), z.int()]),
  view: z.looseObject({ speed: z.number() }),
});

/** A Python process in which any number of viewers use the Python client. */
export class PythonViewers {
  /** Tasks that still ran after the last session was closed; undefined before the end. */
  left: readonly string[] | undefined;
  readonly #child: ChildProcess;
  readonly #viewers = new Map<string, PythonViewer>();
  readonly #answers = new Map<number, { resolve: (result: unknown) => void; reject: (error: unknown) => void }>();
  readonly #ended: Promise<unknown>;
  #errors = "";
  #requests = 0;

  constructor(python: string) {
    const child = spawn(python, ["-u", join(root, "test/python/viewers.py")], {
      stdio: "pipe",
      env: environmentOfPython,
    });
    this.#child = child;
    this.#ended = once(child, "close").then(() => {
      for (const { reject } of this.#answers.values()) reject(new Error(`Python ended: ${this.#errors}`));
    });
    createInterface(child.stdout).on("line", (line) => this.#receive(JSON.parse(line)));
    child.stderr.on("data", (bytes: Buffer) => {
      this.#errors += bytes;
    });
  }

  /** What it printed as errors: Python reports exceptions that nobody handles there. */
  get errors(): string {
    return this.#errors;
  }

  async open(request: OpenRequest): Promise<PythonViewer> {
    return this.#watch({ do: "open", ...request });
  }

  async join(session: string, request: OpenRequest, position?: readonly [number, number]): Promise<PythonViewer> {
    return this.#watch({ do: "join", session, ...request, ...(position && { position }) });
  }

  async #watch(request: object): Promise<PythonViewer> {
    const name = `v${this.#viewers.size}`;
    const viewer = new PythonViewer(name, (rest) => this.request({ viewer: name, ...rest }));
    this.#viewers.set(name, viewer);
    viewer.sessionId = opened.parse(await this.request({ viewer: name, ...request })).session;
    return viewer;
  }

  /** A plain call of a client: `tapes.get` with its arguments. */
  call(request: OpenRequest & { readonly method: string; readonly arguments?: readonly unknown[] }): Promise<unknown> {
    return this.request({ do: "call", ...request });
  }

  /** Orders of a session that is not watched. */
  trade(session: string, at: Omit<OpenRequest, "options">, request: TradeRequest): Promise<unknown> {
    return this.request({ do: "trade", session, ...at, ...request });
  }

  request(request: object): Promise<unknown> {
    const id = ++this.#requests;
    this.#child.stdin?.write(`${JSON.stringify({ id, ...request })}\n`);
    return new Promise((resolve, reject) => this.#answers.set(id, { resolve, reject }));
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Closes all sessions. Rejects when Python printed an error, or something still runs there. */
  async close(): Promise<void> {
    const deadline = setTimeout(() => this.#child.kill("SIGKILL"), 15_000);
    this.#child.stdin?.end();
    await this.#ended;
    clearTimeout(deadline);
    if (this.#errors !== "") throw new Error(this.#errors);
    if (this.left?.length !== 0) throw new Error(`left running in Python: ${this.left ?? "it did not say"}`);
  }

  #receive(line: Line): void {
    if (line.left !== undefined) this.left = line.left;
    if (line.viewer !== undefined) this.#viewers.get(line.viewer)?.receive(line);
    if (line.answer === undefined) return;
    const waiting = this.#answers.get(line.answer);
    this.#answers.delete(line.answer);
    if (line.error) waiting?.reject(Object.assign(new Error(line.error.message), { code: line.error.code }));
    else waiting?.resolve(line.result);
  }
}

/** One of them: everything that it received, like `SdkViewer` for the TypeScript SDK. */
export class PythonViewer {
  sessionId = "";
  node = "";
  /** In order of arrival, from histories and one by one. */
  readonly frames: SeenFrame[] = [];
  readonly histories: { readonly frames: number; readonly complete: boolean }[] = [];
  readonly connections: Pick<Line, "connection" | "why" | "retryInMs">[] = [];
  readonly states: { readonly session: SessionView; readonly cause: string }[] = [];
  readonly fills: unknown[] = [];
  /** What it was told of orders and fills of `trading`, in its order, and of the frames between them: their seqs. */
  readonly told: ({ readonly order: unknown } | { readonly fill: unknown } | number)[] = [];
  end: { readonly reason: string; readonly error: Refusal | null } | undefined;
  /** Frames of `on_frame`. */
  received = 0;
  readonly #name: string;
  readonly #request: (request: object) => Promise<unknown>;
  readonly #waiters = new Set<() => void>();

  constructor(name: string, request: (request: object) => Promise<unknown>) {
    this.#name = name;
    this.#request = request;
  }

  /** Rejects with the code and message of the `TapedeckError`. */
  command(command: string, args: object = {}): Promise<unknown> {
    return this.#request({ do: "command", command, arguments: args });
  }

  /** Of its own session. */
  trade(request: TradeRequest): Promise<unknown> {
    return this.#request({ do: "trade here", ...request });
  }

  async stats(): Promise<z.infer<typeof stats>> {
    return stats.parse(await this.#request({ do: "stats" }));
  }

  /** The seqs of the next frames, as a loop over `frames()` gets them. */
  async read(count: number): Promise<number[]> {
    return z.array(z.int()).parse(await this.#request({ do: "read", count }));
  }

  async close(): Promise<void> {
    await this.#request({ do: "close" });
  }

  /** Closes the client, and with it the session. */
  async closeClient(): Promise<void> {
    await this.#request({ do: "close client" });
  }

  /** Number of reconnects. */
  get reconnects(): number {
    return this.connections.filter(({ connection }) => connection === "open").length;
  }

  get connection(): string | undefined {
    return this.connections.at(-1)?.connection ?? "open";
  }

  receive(line: Line): void {
    const { event, at = 0, node = "", frame, frames = [], epoch = -1, complete = false } = line;
    this.node = node;
    if (event === "frame" && frame) {
      this.received++;
      this.told.push(frame.seq);
      this.#keep(frame, epoch, at);
    } else if (event === "history") {
      // A history replaces everything before it.
      this.frames.length = 0;
      this.histories.push({ frames: frames.length, complete });
      for (const one of frames) this.#keep(one, epoch, at);
    } else if (event === "connection") {
      const { connection, why, retryInMs } = line;
      this.connections.push({ connection, why, retryInMs });
    } else if (event === "state" && line.session) {
      this.states.push({ session: line.session, cause: line.cause ?? "" });
    } else if (event === "trade") {
      this.fills.push(line.fill);
    } else if (event === "order") {
      this.told.push({ order: line.order });
    } else if (event === "fill") {
      this.told.push({ fill: line.fill });
    } else if (event === "end") {
      this.end = { reason: line.reason ?? "", error: line.error ?? null };
    }
    for (const waiter of this.#waiters) waiter();
  }

  /** Resolves when the condition holds; checked at each event. */
  until(check: () => boolean, what: string, ms = 20_000): Promise<void> {
    if (check()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const recheck = () => {
        if (!check()) return;
        clearTimeout(timer);
        this.#waiters.delete(recheck);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiters.delete(recheck);
        const { connections, received, end } = this;
        const last = this.frames.at(-1)?.seq;
        const report = JSON.stringify({ viewer: this.#name, last, received, connections, end });
        reject(new Error(`no ${what} within ${ms} ms: ${report}`));
      }, ms);
      this.#waiters.add(recheck);
    });
  }

  async next(count: number, ms?: number): Promise<void> {
    const wanted = this.received + count;
    await this.until(() => this.received >= wanted, `${count} more frames`, ms);
  }

  #keep(frame: Frame, epoch: number, at: number): void {
    const { seq, skipped = 0 } = frame;
    const json = JSON.stringify(frame);
    this.frames.push({ epoch, prev: seq - 1 - skipped, seq, at, json, from: "history", gateway: this.node });
  }
}
