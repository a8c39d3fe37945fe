import type { Keys } from "@tapedeck/sessions";
import type { Redis } from "ioredis";

/** Nodes beat every 5 s: one that has missed a beat may be dead, and takes nothing over. */
const aliveMs = 7_000;

/** Whether other nodes run feeds, by their heartbeats. A node that ends takes its own back first. */
export async function otherFeeds(
  redis: Redis,
  keys: Pick<Keys, "node" | "nodes">,
  { node, now }: { readonly node: string; readonly now: number },
): Promise<boolean> {
  const nodes = await redis.zrange(keys.nodes, now - aliveMs, "+inf", "BYSCORE");
  const roles = await Promise.all(
    nodes.filter((other) => other !== node).map((other) => redis.hget(keys.node(other), "role")),
  );
  return roles.includes("feed");
}
