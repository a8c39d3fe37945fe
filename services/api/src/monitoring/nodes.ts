import type { NodeView } from "@tapedeck/protocol";
import { aliveSince, redisTime } from "@tapedeck/runtime";
import { orUnavailable } from "@tapedeck/sessions";
import type { Api } from "../api.js";

/** The nodes with a recent heartbeat, as the heartbeats describe them. */
export async function readNodes({ redis, keys }: Pick<Api, "redis" | "keys">): Promise<NodeView[]> {
  const oldest = aliveSince(await orUnavailable(redisTime(redis)));
  const names = await orUnavailable(redis.zrangebyscore(keys.nodes, oldest, "+inf"));
  const hashes = await orUnavailable(Promise.all(names.map((name) => redis.hgetall(keys.node(name)))));
  return hashes.flatMap((hash, index) => {
    const node = names[index];
    // The hash may expire between the two reads.
    return node === undefined || Object.keys(hash).length === 0 ? [] : [nodeView(node, hash)];
  });
}

function nodeView(node: string, hash: Record<string, string>): NodeView {
  const fields = Object.entries(hash).map(([name, text]) => [name, isNumber(text) ? Number(text) : text]);
  return { role: "unknown", ...Object.fromEntries(fields), node };
}

function isNumber(text: string): boolean {
  return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(text);
}

/** Sum of a field over the nodes that report it. */
export function sumOf(nodes: readonly NodeView[], field: string): number {
  return numbersOf(nodes, field).reduce((sum, value) => sum + value, 0);
}

export function numbersOf(nodes: readonly NodeView[], field: string): number[] {
  return nodes.map((node) => node[field]).filter((value) => typeof value === "number");
}
