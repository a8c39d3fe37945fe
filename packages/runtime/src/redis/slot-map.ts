import type { Cluster } from "ioredis";

const slotCount = 16_384;
/** Nodes are asked for the slot map again after this time: when one of them has gone, and before the connection is restarted. */
const askAgainMs = 1000;

/** Some slots of a Redis Cluster have no master yet, or a master without an address. */
class IncompleteSlotMap extends Error {
  constructor(known: number) {
    super(`FORMING ${known} of ${slotCount} slots have a master with an address`);
  }
}

/** The part of a Cluster connection that does not depend on the form of its replies. */
type SlotMapConnection = Pick<
  Cluster,
  "slots" | "status" | "refreshSlotsCache" | "disconnect" | "on" | "emit" | "listenerCount"
>;

/**
 * Restarts a Cluster connection from the nodes that REDIS_URL names when its slot map is useless.
 *
 * ioredis asks the nodes that it knows for the slot map and accepts any answer. While a Cluster forms, the map may lack masters, or have
 * masters whose address is empty or `?`, since a node learns its own address from others. If all nodes have moved to other addresses, no
 * known node answers. In each case ioredis would ask the wrong nodes for ever.
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
  const restart = (reason: Error): void => {
    lostAt = undefined;
    if (cluster.listenerCount("error") > 0) cluster.emit("error", reason);
    cluster.disconnect(true);
  };
  /** A node may be slow for once, and a node that has just restarted may not know its address for a moment. */
  const restartIfItLasts = (reason: Error): void => {
    const now = performance.now();
    if (lostAt === undefined || now - lostAt < askAgainMs / 2) {
      lostAt ??= now;
      askSoon();
    } else restart(reason);
  };
  const onRefreshed = (error: Error | null | undefined): void => {
    const problem = error ?? incompleteMapOf(cluster);
    if (problem === undefined) lostAt = undefined;
    else if (cluster.status === "ready") restartIfItLasts(problem);
    else if (cluster.status === "connect") restart(problem); // before that ioredis restarts by itself
  };

  const refresh = cluster.refreshSlotsCache.bind(cluster);
  cluster.refreshSlotsCache = (callback) =>
    refresh((error) => {
      callback?.(error);
      onRefreshed(error);
    });
  // The node may have moved; ioredis would ask only at its next refresh.
  cluster.on("-node", askSoon);
  // Old entries would make the next map look complete.
  cluster.on("close", () => {
    cluster.slots = [];
  });
}

function incompleteMapOf({ slots }: SlotMapConnection): IncompleteSlotMap | undefined {
  let known = 0;
  for (const nodes of slots) if (hasAddress(nodes?.[0])) known++;
  return known === slotCount ? undefined : new IncompleteSlotMap(known);
}

/** @param node `host:port` as ioredis writes it */
function hasAddress(node: string | undefined): boolean {
  return node !== undefined && node !== "" && !node.startsWith("?") && !node.startsWith(":");
}
