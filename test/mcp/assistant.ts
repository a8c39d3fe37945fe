import { Client, type ClientOptions } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { z } from "zod";
import { programOf } from "../support/built.js";

/** What a session's tools answer, as far as tests look at it. */
export const shownSession = z.looseObject({
  session_id: z.string(),
  state: z.enum(["STOPPED", "PLAYING", "PAUSED"]),
  tape: z.string().nullable(),
  speed: z.number(),
  cursor_seq: z.int().nullable(),
  cursor_ts: z.string().nullable(),
  parked: z.boolean(),
});
export type ShownSession = z.infer<typeof shownSession>;

/** A host with an assistant: the SDK's client, which starts `tapedeck mcp` as a host does. */
export class Assistant {
  readonly client: Client;
  readonly #transport: StdioClientTransport;

  /** @param url the cluster's; undefined: none is named */
  static async start(
    url: string | undefined,
    env: Record<string, string> = {},
    options: ClientOptions = {},
  ): Promise<Assistant> {
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [programOf("tapedeck"), "mcp", ...(url === undefined ? [] : ["--url", url])],
      env: { ...env, PATH: process.env.PATH ?? "" },
      stderr: "inherit",
    });
    const client = new Client({ name: "tests", version: "1" }, options);
    await client.connect(transport);
    return new Assistant(client, transport);
  }

  private constructor(client: Client, transport: StdioClientTransport) {
    this.client = client;
    this.#transport = transport;
  }

  /** Of `tapedeck mcp`. */
  get pid(): number {
    return this.#transport.pid ?? 0;
  }

  /** A call that must succeed and match the schema. */
  async ask<T>(schema: z.ZodType<T>, name: string, args: Record<string, unknown> = {}): Promise<T> {
    const { isError, text } = await this.call(name, args);
    if (isError) throw new Error(`${name} ${JSON.stringify(args)}: ${text}`);
    return schema.parse(JSON.parse(text));
  }

  /** What a call that must be refused says. */
  async refused(name: string, args: Record<string, unknown> = {}): Promise<string> {
    const { isError, text } = await this.call(name, args);
    if (!isError) throw new Error(`${name} ${JSON.stringify(args)} was not refused: ${text}`);
    return text;
  }

  async call(name: string, args: Record<string, unknown> = {}): Promise<{ isError: boolean; text: string }> {
    const { content, isError = false } = await this.client.callTool({ name, arguments: args });
    const [answer] = content;
    if (content.length !== 1 || answer?.type !== "text") throw new Error(`${name} answered no single text`);
    return { isError, text: answer.text };
  }

  session(name: string, args: Record<string, unknown>): Promise<ShownSession> {
    return this.ask(shownSession, name, args);
  }

  /** Closes the input of `tapedeck mcp`, as a host does. */
  close(): Promise<void> {
    return this.client.close();
  }
}
