import type { Cluster } from "ioredis";

const slots = 16_384;
/** Nodes are asked for the map again after this long: when one of them has gone, and when all gave none, before the connection starts anew. */
const askAgainMs = 1000;

/** A Redis Cluster has no master yet, or none with an address, for some of its slots. */
export class IncompleteSlotMap extends Error {
  constructor(known: number) {
    super(`FORMING ${known} of ${slots} slots have a master with an address`);
  }
}

/** Of a Cluster what does not depend on how it writes its answers. */
export type SlotMapConnection = Pick<
  Cluster,
  "slots" | "status" | "refreshSlotsCache" | "disconnect" | "on" | "emit" | "listenerCount"
>;

/**
 * Starts a connection to a Cluster anew, from the nodes that REDIS_URL names, where what it knows leads nowhere.
 *
 * ioredis asks the nodes it knows for the map of slots, and takes whatever they say. While a Cluster forms that may be a map without
 * masters, or with masters whose address is empty or `?`, since a node learns its own from others; and when all nodes have moved to
 * other addresses, nobody answers at those that it knows. Either way it would ask the wrong ones for ever.
 */
export function repairSlotMap(cluster: SlotMapConnection): void {
  let lostAt: number | undefined;
  let asking: NodeJS.Timeout | undefined;

  const askSoon = (): void => {
    if (asking !== undefined) return;
    asking = setTimeout(() => {
      asking = undefined;
      if (cluster.status === "ready") cluster.refreshSlotsCache();
    }, askAgainMs).unref();
  };
  const startAnew = (why: Error): void => {
    lostAt = undefined;
    if (cluster.listenerCount("error") > 0) cluster.emit("error", why);
    cluster.disconnect(true);
  };
  /** Nodes may be slow for once, and one that has been started again may not know its address for a moment. */
  const doubt = (why: Error): void => {
    const now = performance.now();
    if (lostAt === undefined || now - lostAt < askAgainMs / 2) {
      lostAt ??= now;
      askSoon();
    } else startAnew(why);
  };
  const judge = (error: Error | null | undefined): void => {
    const trouble = error ?? formingOf(cluster);
    if (trouble === undefined) lostAt = undefined;
    else if (cluster.status === "ready") doubt(trouble);
    else if (cluster.status === "connect") startAnew(trouble); // before that ioredis starts anew itself
  };

  const refresh = cluster.refreshSlotsCache.bind(cluster);
  cluster.refreshSlotsCache = (callback) =>
    refresh((error) => {
      callback?.(error);
      judge(error);
    });
  // It may have moved, and ioredis would ask with the next round only.
  cluster.on("-node", askSoon);
  // What was known would make the next map look complete.
  cluster.on("close", () => {
    cluster.slots = [];
  });
}

function formingOf({ slots: masters }: SlotMapConnection): IncompleteSlotMap | undefined {
  let known = 0;
  for (const nodes of masters) if (hasAddress(nodes?.[0])) known++;
  return known === slots ? undefined : new IncompleteSlotMap(known);
}

/** Of `host:port` as ioredis writes it. */
function hasAddress(node: string | undefined): boolean {
  return node !== undefined && node !== "" && !node.startsWith("?") && !node.startsWith(":");
}
