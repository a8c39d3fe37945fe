import type { EventEmitter } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster, Redis } from "ioredis";
import type { Logger } from "../observability/logger.js";
import { interval } from "../time/timers.js";

/** How often one node, each in its turn, is asked who has the slots. */
const askMs = 100;
/** A node that has not answered for this long, while another has, is silent. */
const silentMs = 300;
/** A connection that has got an older map asks again after this time, so many times; ioredis asks by itself every few seconds. */
const refresh = { everyMs: 50, attempts: 20 } as const;

/** Emitted by a Cluster connection when its slots have other masters, and it sends commands to them. */
const mastersReplaced = "tapedeck:masters-replaced";

/** Calls `listener` when masters of a Redis Cluster have been replaced, and this connection knows. Returns the function that stops it. */
export function onMastersReplaced(cluster: Cluster, listener: () => void): () => void {
  const events: EventEmitter = cluster;
  events.on(mastersReplaced, listener);
  return () => events.off(mastersReplaced, listener);
}

/** The process's watches, by the addresses of a Cluster. */
const watches = new Map<string, ClusterWatch>();

/**
 * Lets a Cluster connection know at once when a master is replaced, until the connection ends.
 *
 * ioredis asks for the slot map when a node refuses a command or closes a connection, and every few seconds; and it waits for the answer
 * of any node, also of one that hangs. A subscriber sends no commands, so it would stay with a master that hangs.
 */
export function watchMasters(cluster: Cluster, key: string, log: Logger): void {
  const watch = watches.get(key) ?? new ClusterWatch(log);
  watches.set(key, watch);
  watch.add(cluster, () => watches.delete(key));
}

/** Which node has a range of slots, as a node of the Cluster says. */
interface Range {
  readonly first: number;
  readonly last: number;
  readonly id: string;
  /** `host:port`, as ioredis names nodes; undefined if the node that was asked does not know it. */
  readonly address: string | undefined;
}

class ClusterWatch {
  readonly #log: Logger;
  readonly #clusters = new Set<Cluster>();
  /** Nodes that have been asked and have not answered, with the time since when. */
  readonly #unanswered = new Map<string, { readonly since: number; waiting: boolean }>();
  readonly #stop: () => void;
  #answeredAt = Number.NEGATIVE_INFINITY;
  #turn = 0;
  #map: readonly Range[] | undefined;

  constructor(log: Logger) {
    this.#log = log;
    this.#stop = interval(() => this.#askNext(), askMs);
  }

  /** @param onLast called when the last connection has ended */
  add(cluster: Cluster, onLast: () => void): void {
    this.#clusters.add(cluster);
    cluster.on("+node", (node: Redis) => this.#refuseSlotMapOf(node));
    cluster.once("end", () => {
      this.#clusters.delete(cluster);
      if (this.#clusters.size > 0) return;
      this.#stop();
      onLast();
    });
  }

  /** ioredis asks on a copy of the node's connection, and waits for seconds: a silent node fails it at once, and the next one is asked. */
  #refuseSlotMapOf(node: Redis): void {
    const duplicate = node.duplicate.bind(node);
    node.duplicate = (override) => {
      const copy = duplicate(override);
      if (this.#isSilent(keyOf(node))) copy.disconnect();
      return copy;
    };
  }

  #isSilent(key: string): boolean {
    const asked = this.#unanswered.get(key);
    return asked !== undefined && performance.now() - asked.since > silentMs && this.#answeredAt > asked.since;
  }

  #askNext(): void {
    const cluster = [...this.#clusters].find(({ status }) => status === "ready");
    const nodes = cluster?.nodes().filter((node) => this.#unanswered.get(keyOf(node))?.waiting !== true) ?? [];
    const node = nodes[this.#turn++ % nodes.length];
    if (node !== undefined) void this.#ask(node);
  }

  async #ask(node: Redis): Promise<void> {
    const key = keyOf(node);
    const asked = this.#unanswered.get(key) ?? { since: performance.now(), waiting: true };
    asked.waiting = true;
    this.#unanswered.set(key, asked);
    try {
      const map = rangesOf(await node.cluster("SLOTS"));
      this.#unanswered.delete(key);
      this.#answeredAt = performance.now();
      this.#compare(map);
    } catch {
      asked.waiting = false; // the connection logs its errors
    }
  }

  #compare(map: readonly Range[]): void {
    const before = this.#map;
    if (before !== undefined && sameOwners(before, map)) return;
    this.#map = map;
    if (before === undefined) return;
    this.#log.warn(
      { connections: this.#clusters.size },
      "slots of the Redis Cluster have another master: connecting to it",
    );
    const clusters = [...this.#clusters].filter(({ status }) => status === "ready");
    for (const cluster of clusters) {
      // Not closed, which a node that hangs would never answer: commands that wait for it fail now.
      for (const node of cluster.nodes()) if (this.#isSilent(keyOf(node))) destroy(node);
      correctSlots(cluster, map);
    }
    for (const cluster of clusters) cluster.emit(mastersReplaced);
    void this.#refreshAll(clusters, map);
  }

  /**
   * Makes connections ask for the whole map, which also moves subscribers. One after the other, subscribers first: each takes
   * milliseconds of processor time, and commands go to the new master already.
   */
  async #refreshAll(clusters: readonly Cluster[], map: readonly Range[]): Promise<void> {
    const subscribing = (cluster: Cluster): boolean => cluster.options.shardedSubscribers === true;
    for (const cluster of [...clusters.filter(subscribing), ...clusters.filter((each) => !subscribing(each))]) {
      for (let attempt = 0; attempt < refresh.attempts && this.#map === map; attempt++) {
        const refreshed = await new Promise<boolean>((resolve) =>
          cluster.refreshSlotsCache((error) => resolve(!error && knows(cluster, map))),
        );
        if (refreshed || cluster.status !== "ready") break;
        correctSlots(cluster, map);
        await sleep(refresh.everyMs, undefined, { ref: false });
      }
    }
  }
}

/** Sends the commands of slots with another master there at once. */
function correctSlots(cluster: Cluster, map: readonly Range[]): void {
  for (const { first, last, address } of map) {
    if (address === undefined || cluster.slots[first]?.[0] === address) continue;
    const nodes = [address, ...(cluster.slots[first] ?? []).filter((node) => node !== address)];
    for (let slot = first; slot <= last; slot++) cluster.slots[slot] = nodes;
  }
}

function destroy(node: Redis): void {
  const stream: Redis["stream"] | undefined = node.stream;
  node.disconnect();
  stream?.destroy();
}

function keyOf({ options }: Redis): string {
  return `${options.host}:${options.port}`;
}

/** The answer to CLUSTER SLOTS: first and last slot, then the master with host, port and id, then its replicas. */
function rangesOf(answer: readonly unknown[]): readonly Range[] {
  return answer
    .flatMap((range) => {
      if (!Array.isArray(range) || !Array.isArray(range[2])) return [];
      const [host, port, id] = range[2];
      return [
        {
          first: Number(range[0]),
          last: Number(range[1]),
          id: String(id),
          address: host ? `${host}:${port}` : undefined,
        },
      ];
    })
    .sort((a, b) => a.first - b.first);
}

function sameOwners(a: readonly Range[], b: readonly Range[]): boolean {
  return a.length === b.length && a.every(({ first, id }, at) => b[at]?.first === first && b[at].id === id);
}

function knows({ slots }: Cluster, map: readonly Range[]): boolean {
  return map.every(({ first, address }) => address === undefined || slots[first]?.[0] === address);
}
