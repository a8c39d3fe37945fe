import { decodeOrder } from "@tapedeck/sessions";
import { MemoryTapeStore, type Tape, TapeCatalog } from "@tapedeck/tape";
import type { TestCluster } from "../support/cluster.js";
import type { SeenFrame, Viewer } from "../support/viewer.js";

export interface Simulated {
  readonly id: string;
  readonly viewers: readonly Viewer[];
}

/** A SIMULATION session with a socket on each of two gateways. */
export async function simulate(cluster: TestCluster, body: Record<string, unknown>): Promise<Simulated> {
  const { session_id: id } = await cluster.http.create({ mode: "SIMULATION", max_fps: 0, ...body });
  return { id, viewers: [await cluster.watch(id), await cluster.watch(id)] };
}

/** The frames of an epoch by seq. */
export const bytes = (frames: readonly SeenFrame[], epoch?: number): Map<number, string> =>
  new Map(frames.filter((frame) => epoch === undefined || frame.epoch === epoch).map(({ seq, json }) => [seq, json]));

export const ownTrades = (json = '{"trades":[]}'): { side: string; size: number }[] =>
  JSON.parse(json).trades.filter(({ own }: { own?: boolean }) => own);

export const sizeOf = (trades: readonly { size: number }[]): number => trades.reduce((sum, { size }) => sum + size, 0);

/** The frames that show the orders' fills, oldest order first. */
export const framesOfOrders = async (cluster: TestCluster, id: string): Promise<number[]> =>
  (await cluster.redis.lrange(cluster.keys.orders(id), 0, -1)).map((text) => decodeOrder(text).seq);

/** Frames that do not continue the one before them. */
export const holes = (frames: readonly SeenFrame[]): SeenFrame[] =>
  frames.filter(({ prev, epoch }, at) => {
    const before = frames[at - 1];
    return before !== undefined && before.epoch === epoch && prev !== before.seq;
  });

export const market = (seed: number): Promise<Tape> =>
  new TapeCatalog(new MemoryTapeStore(), { cacheBytes: 32 << 20 }).open(`sim2.BTCUSDT.${seed}.calm`);

/** A catalog of a node that did not know the session, which makes the tapes of its orders. */
export const anotherNode = (cluster: TestCluster, id: string): TapeCatalog =>
  new TapeCatalog(new MemoryTapeStore(), {
    cacheBytes: 32 << 20,
    orders: async () => (await cluster.redis.lrange(cluster.keys.orders(id), 0, -1)).map(decodeOrder),
  });
