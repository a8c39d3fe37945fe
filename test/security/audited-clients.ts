import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Role } from "@tapedeck/access";
import { subprotocol } from "@tapedeck/protocol";
import { expect } from "vitest";
import { WebSocket } from "ws";
import { z } from "zod";
import type { TestCluster } from "../support/cluster.js";
import { tokenOf } from "../support/sign-in.js";

type Headers = Record<string, string>;
type Line = Record<string, unknown>;

export interface By {
  readonly as?: readonly [user: string, role?: Role];
  readonly headers?: Headers;
  /** Fields of the line beyond those of every request. */
  readonly line: Line;
}

export interface SocketBy {
  readonly token?: string;
  readonly headers?: Headers;
  readonly legacy?: boolean;
}

const refusals = { 1008: "ORIGIN_NOT_ALLOWED", 4401: "UNAUTHORIZED", 4403: "FORBIDDEN", 4429: "TOO_MANY_REQUESTS" };
const answer = z.looseObject({ code: z.string().optional() });
const reply = z.looseObject({ id: z.unknown().optional(), type: z.string(), code: z.string().optional() });

/** Clients of a cluster, through its balancer. They forge their address, and each action has an id by which its audit line is found. */
export class AuditedClients {
  /** Secrets that were sent and must not appear in any output. */
  readonly secrets = new Set<string>();
  /** The expected line of each action, by its id. */
  readonly #expected = new Map<string, Line>();
  readonly #cluster: TestCluster;

  constructor(cluster: TestCluster) {
    this.#cluster = cluster;
  }

  get count(): number {
    return this.#expected.size;
  }

  async token(user: string, role: Role = "controller", seconds = 600): Promise<string> {
    const token = await tokenOf(user, role, seconds);
    this.secrets.add(token);
    return token;
  }

  /** Sends a request by HTTP and expects its line with the result. */
  async request(method: string, path: string, { as, headers = {}, line }: By, body?: object) {
    const id = this.#newId();
    const who: Headers = as === undefined ? {} : { authorization: `Bearer ${await this.token(...as)}` };
    const response = await fetch(`${this.#cluster.url}${path}`, {
      method,
      headers: { ...who, "x-request-id": id, "x-forwarded-for": "6.6.6.6", ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json") ?? false;
    const denied = response.status === 401 || response.status === 403;
    this.#expected.set(id, {
      ...(as !== undefined && { user: as[0], role: as[1] ?? "controller" }),
      result: response.status < 400 ? "ok" : isJson && answer.parse(JSON.parse(text)).code,
      address: "127.0.0.1",
      ...(denied && { event: "refusal", reason: expect.any(String) }),
      ...line,
    });
    return text;
  }

  /** A socket that is refused, or closed because of what `then` sends. */
  async refused(
    session: string,
    code: keyof typeof refusals,
    { line = {}, ...by }: SocketBy & { readonly line?: Line } = {},
    then: (client: WebSocket) => void = () => {},
  ): Promise<void> {
    const id = this.#newId();
    this.#expected.set(id, {
      ...{ event: "refusal", action: "watch", result: refusals[code], reason: expect.any(String) },
      ...{ address: "127.0.0.1", session },
      ...line,
    });
    const client = await this.#open(session, id, by);
    const closed = new Promise((resolve) => client.once("close", resolve));
    then(client);
    expect(await closed).toBe(code);
  }

  /** Sends commands on one socket, each after the previous answer. */
  async command(session: string, user: string, commands: readonly [name: string, args: object][]): Promise<void> {
    const client = await this.#open(session, "unused", { token: await this.token(user) });
    const answers = new Map<unknown, z.infer<typeof reply>>();
    client.on("message", (data) => {
      const message = reply.parse(JSON.parse(String(data)));
      if (message.id !== undefined) answers.set(message.id, message);
    });
    for (const [name, args] of commands) {
      const id = this.#newId();
      client.send(JSON.stringify({ type: "command", id, command: name, ...args }));
      await this.#cluster.until(() => answers.has(id), `the answer to ${name}`);
      const { type, code } = answers.get(id) ?? { type: "" };
      this.#expected.set(id, {
        event: name === "order" ? "order" : "command",
        action: code === "INVALID_VALUE" ? "unknown" : name, // invalid arguments make the command unknown
        result: type === "ack" ? "ok" : code,
        ...{ user, role: "controller", address: "127.0.0.1", session },
      });
    }
    client.terminate();
  }

  /** The output of all processes of the cluster. */
  async output(): Promise<string> {
    const files = await readdir(this.#cluster.folder, { recursive: true, withFileTypes: true });
    const paths = files.filter((file) => file.isFile()).map(({ parentPath, name }) => join(parentPath, name));
    return (await Promise.all(paths.map((path) => readFile(path, "utf8")))).join("\n");
  }

  /** Fails unless the output has exactly the expected line for each action, and no further lines of these users. */
  async expectTrail(isOfOthers: (line: Line) => boolean): Promise<void> {
    const trail = async (): Promise<Line[]> => {
      const lines = (await this.output()).split("\n").filter((line) => line.includes('"audit":true'));
      return lines.map((line) => JSON.parse(line)).filter((line) => !isOfOthers(line));
    };
    await this.#cluster.until(async () => (await trail()).length >= this.count, "a line for each action");
    const byId = new Map<unknown, Line[]>();
    for (const { request_id: id, ...line } of await trail()) byId.set(id, [...(byId.get(id) ?? []), line]);
    const node = { service: expect.stringMatching(/^(api|gateway)$/), node: expect.any(String) };
    const always = { level: "info", time: expect.any(String), audit: true, msg: expect.any(String), ...node };
    for (const [id, line] of this.#expected) {
      expect(byId.get(id), `${id} ${JSON.stringify(line)}`).toEqual([{ ...always, ...line }]);
    }
    expect(byId.size).toBe(this.count);
  }

  #newId(): string {
    return `act-${this.#expected.size}`;
  }

  async #open(session: string, id: string, { token = "", headers = {}, legacy = false }: SocketBy): Promise<WebSocket> {
    const offered = legacy ? [] : [subprotocol, ...(token ? [`tapedeck.token.${token}`] : [])];
    const client = new WebSocket(`${this.#cluster.url.replace("http", "ws")}/ws/${session}`, offered, {
      headers: { "x-request-id": id, "x-forwarded-for": "6.6.6.6", ...headers },
    });
    await new Promise((resolve, reject) => client.once("open", resolve).once("error", reject));
    return client.on("error", () => {}); // a close follows
  }
}
