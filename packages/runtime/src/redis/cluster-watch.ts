import type { EventEmitter } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster, Redis } from "ioredis";
import type { Logger } from "../observability/logger.js";
import { interval } from "../time/timers.js";

/** How often one node, each in its turn, is asked who has the slots; all of them while a node does not answer. */
const askMs = 50;
const turnMs = 100;
/** A node that has not answered for this long, while another has, is silent. */
const silentMs = 300;
/** A node that has been away for so long is not waited for. */
const awayMs = 60_000;
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
  /** The addresses of its replicas, sorted. */
  readonly replicas: readonly string[];
}

class ClusterWatch {
  readonly #log: Logger;
  readonly #clusters = new Set<Cluster>();
  /** Nodes that have been asked and have not answered, with the time since when. */
  readonly #unanswered = new Map<string, { readonly since: number; waiting: boolean }>();
  readonly #stop: () => void;
  #answeredAt = Number.NEGATIVE_INFINITY;
  #tick = 0;
  #turn = 0;
  #map: readonly Range[] | undefined;
  /** What each node said last. */
  readonly #said = new Map<string, readonly Range[]>();

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
    if (this.#someNodeIsAway()) {
      for (const node of nodes) void this.#ask(node); // the one that is promoted knows it first
    } else if (this.#tick++ % (turnMs / askMs) === 0) {
      const node = nodes[this.#turn++ % nodes.length];
      if (node !== undefined) void this.#ask(node);
    }
  }

  #someNodeIsAway(): boolean {
    const now = performance.now();
    for (const [key, { since }] of this.#unanswered) {
      if (now - since > awayMs)
        this.#unanswered.delete(key); // it has left the Cluster, or is replaced
      else if (now - since > silentMs) return true;
    }
    return false;
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
      if (this.#isNews(key, map)) this.#compare(map);
    } catch {
      asked.waiting = false; // the connection logs its errors
    }
  }

  /** Nodes learn of a new master one after the other: an answer that its node has given before may be older than what another node said. */
  #isNews(key: string, map: readonly Range[]): boolean {
    const before = this.#said.get(key);
    this.#said.set(key, map);
    return this.#map === undefined || (before !== undefined && !isSame(before, map));
  }

  #compare(map: readonly Range[]): void {
    const before = this.#map;
    if (before !== undefined && isSame(before, map)) return;
    this.#map = map;
    const clusters = [...this.#clusters].filter(({ status }) => status === "ready");
    if (before !== undefined && !sameOwners(before, map)) this.#replaceMasters(clusters, map);
    void this.#refresh(clusters, map);
  }

  #replaceMasters(clusters: readonly Cluster[], map: readonly Range[]): void {
    this.#log.warn(
      { connections: this.#clusters.size },
      "slots of the Redis Cluster have another master: connecting to it",
    );
    for (const cluster of clusters) {
      // Not closed, which a node that hangs would never answer: commands that wait for it fail now.
      for (const node of cluster.nodes()) if (this.#isSilent(keyOf(node))) destroy(node);
      correctSlots(cluster, map);
      if (knows(cluster, map)) moveSubscribers(cluster);
    }
    for (const cluster of clusters) cluster.emit(mastersReplaced);
  }

  /**
   * Makes connections that lack a node ask for the whole map. A replica that they know can take over without that, which would take
   * milliseconds of processor time for each. One after the other, subscribers first.
   */
  async #refresh(clusters: readonly Cluster[], map: readonly Range[]): Promise<void> {
    const subscribing = (cluster: Cluster): boolean => cluster.options.shardedSubscribers === true;
    for (const cluster of [...clusters.filter(subscribing), ...clusters.filter((each) => !subscribing(each))]) {
      for (let attempt = 0; attempt < refresh.attempts && this.#map === map && !knows(cluster, map); attempt++) {
        if (attempt > 0) await sleep(refresh.everyMs, undefined, { ref: false });
        await new Promise<void>((resolve) => cluster.refreshSlotsCache(() => resolve()));
        if (cluster.status !== "ready") break;
        correctSlots(cluster, map);
      }
    }
  }
}

/** Sends the commands of slots with another master there at once. */
function correctSlots(cluster: Cluster, map: readonly Range[]): void {
  const connected = new Map(cluster.nodes().map((node) => [keyOf(node), node]));
  for (const { first, last, address } of map) {
    if (address === undefined || cluster.slots[first]?.[0] === address) continue;
    const nodes = [address, ...(cluster.slots[first] ?? []).filter((node) => node !== address)];
    const master = connected.get(address);
    if (master?.status === "wait") master.connect().catch(() => {}); // ioredis connects to a replica when it is used
    for (let slot = first; slot <= last; slot++) cluster.slots[slot] = nodes;
  }
}

/** The part of ioredis that subscribes at each master. It has no public name; without it, the next refresh of the map moves subscribers. */
interface SubscriberGroup {
  reset(slots: readonly string[][], nodes: readonly Redis[]): Promise<void>;
}

function isSubscriberGroup(value: unknown): value is SubscriberGroup {
  return typeof value === "object" && value !== null && "reset" in value && typeof value.reset === "function";
}

/** Subscribes at the masters that the slots have now. A refresh of the map does this too, but waits for one that is under way. */
function moveSubscribers(cluster: Cluster): void {
  const group: unknown = Reflect.get(cluster, "shardedSubscribers");
  if (isSubscriberGroup(group)) group.reset(cluster.slots, cluster.nodes("all")).catch(() => {}); // the refresh repeats it
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
      const [first, last, master, ...replicas]: readonly unknown[] = range;
      return [
        {
          first: Number(first),
          last: Number(last),
          id: String(Array.isArray(master) ? master[2] : ""),
          address: addressOf(master),
          replicas: replicas.flatMap((replica) => addressOf(replica) ?? []).sort(),
        },
      ];
    })
    .sort((a, b) => a.first - b.first);
}

function addressOf(node: unknown): string | undefined {
  return Array.isArray(node) && node[0] ? `${node[0]}:${node[1]}` : undefined;
}

function sameOwners(a: readonly Range[], b: readonly Range[]): boolean {
  return a.length === b.length && a.every(({ first, id }, at) => b[at]?.first === first && b[at].id === id);
}

function isSame(a: readonly Range[], b: readonly Range[]): boolean {
  return sameOwners(a, b) && a.every(({ replicas }, at) => replicas.join() === b[at]?.replicas.join());
}

/** Whether a connection has these masters, and can reach all nodes. */
function knows(cluster: Cluster, map: readonly Range[]): boolean {
  const nodes = new Set(cluster.nodes().map(keyOf));
  return map.every(
    ({ first, address, replicas }) =>
      (address === undefined || (cluster.slots[first]?.[0] === address && nodes.has(address))) &&
      replicas.every((replica) => nodes.has(replica)),
  );
}
