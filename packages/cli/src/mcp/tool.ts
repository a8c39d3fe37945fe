import type { CallToolResult, McpServer } from "@modelcontextprotocol/server";
import { TapedeckError } from "@tapedeck/client";
import { printable } from "@tapedeck/runtime";
import type { z } from "zod";
import { addressOf, explain, type RemoteClusterOptions } from "../remote-cluster.js";
import { printError } from "../terminal/output.js";
import type { ClusterCalls } from "./cluster-calls.js";
import type { WatchedSessions } from "./watched-sessions.js";

/** What the tools work with. */
export interface ToolContext {
  readonly options: RemoteClusterOptions;
  readonly calls: ClusterCalls;
  readonly watched: WatchedSessions;
}

/** What a tool does to the cluster, as hints for the host: it may run what only reads without asking the user. */
export type Effect = "reads" | "changes" | "deletes";

interface ToolSpec<Input extends z.ZodObject> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly effect: Effect;
  readonly input: Input;
  /** @param signal aborts when the client cancels the call or leaves */
  run(given: z.infer<Input>, context: ToolContext, signal: AbortSignal): Promise<object>;
}

export interface Tool extends Omit<ToolSpec<z.ZodObject>, "run"> {
  run(given: unknown, context: ToolContext, signal: AbortSignal): Promise<object>;
}

/** A tool whose arguments have the type of its schema. */
export function tool<Input extends z.ZodObject>(spec: ToolSpec<Input>): Tool {
  return { ...spec, run: (given, context, signal) => spec.run(spec.input.parse(given), context, signal) };
}

/** The context of an assistant is small: about a quarter as many tokens. The tools page what is longer. */
export const mostAnswerChars = 24_000;

export function addTool(
  server: McpServer,
  context: ToolContext,
  { name, title, description, effect, input, run }: Tool,
): void {
  const annotations = { readOnlyHint: effect === "reads", destructiveHint: effect === "deletes", openWorldHint: false };
  server.registerTool(name, { title, description, inputSchema: input, annotations }, async (given, { mcpReq }) => {
    try {
      return textOf(JSON.stringify(await run(given, context, mcpReq.signal)));
    } catch (error) {
      return { ...textOf(await sentenceOf(error, context.options)), isError: true };
    }
  });
}

function textOf(text: string): CallToolResult {
  return { content: [{ type: "text", text }] };
}

/** What the assistant reads: the cluster's code and message, and when to try again. */
async function sentenceOf(error: unknown, options: RemoteClusterOptions): Promise<string> {
  if (error instanceof TapedeckError) {
    const sentence = explain(error, await addressOf(options), options.token !== undefined);
    const again = error.retryAfter === undefined ? "" : ` Try again in ${error.retryAfter} s.`;
    return `${error.code}: ${sentence}${again}`;
  }
  if (error instanceof ToolRefusal) return error.message;
  printError(printable(error instanceof Error ? (error.stack ?? error.message) : String(error))); // the host keeps it in its log
  return `An internal error of tapedeck mcp: ${error instanceof Error ? error.message : String(error)}`;
}

/** Arguments that fit the schema and yet make no sense. The message is a sentence that says what is accepted. */
export class ToolRefusal extends Error {}

/** The first items whose JSON has at most so many characters together, but at least one. */
export function thatFit<T>(items: readonly T[], chars = mostAnswerChars - 4_000): T[] {
  let left = chars;
  const end = items.findIndex((item, n) => {
    left -= JSON.stringify(item).length + 1;
    return left < 0 && n > 0;
  });
  return items.slice(0, end === -1 ? items.length : end);
}
