import type { SessionStats, WallMs } from "@tapedeck/protocol";
import { aliveSince, type RedisConnection } from "@tapedeck/runtime";
import type { Keys } from "../redis/keys.js";
import type { SessionIndex } from "./session-index.js";
import type { SessionTotals } from "./totals.js";

interface StatsSources {
  readonly redis: RedisConnection;
  readonly keys: Keys;
  readonly index: SessionIndex;
  readonly totals: SessionTotals;
}

/**
 * Statistics from index, totals and heartbeats, without reading sessions. Gateways report `sockets` in their heartbeat, tickers
 * `leases`, the sessions that they render; a session that is not rendered counts on no node.
 */
export async function readStats({ redis, keys, index, totals }: StatsSources, now: WallMs): Promise<SessionStats> {
  const [counts, sums, rates, nodes] = await Promise.all([
    index.counts(),
    totals.read(),
    totals.perMinute(now),
    redis.zrangebyscore(keys.nodes, aliveSince(now), "+inf"),
  ]);
  const beats = await Promise.all(nodes.map((node) => redis.hgetall(keys.node(node))));
  const gone = sums.expired + sums.deleted;
  return {
    total_sessions: counts.total,
    active_sessions: counts.states.get("PLAYING") ?? 0,
    paused_sessions: counts.states.get("PAUSED") ?? 0,
    stopped_sessions: counts.states.get("STOPPED") ?? 0,
    connected_sockets: beats.reduce((sum, beat) => sum + Number(beat.sockets ?? 0), 0),
    mode_distribution: {
      REPLAY: counts.modes.get("REPLAY") ?? 0,
      LIVE: counts.modes.get("LIVE") ?? 0,
      SIMULATION: counts.modes.get("SIMULATION") ?? 0,
    },
    average_session_duration_seconds: gone === 0 ? 0 : Math.round(sums.livedMs / gone) / 1000,
    created_total: sums.created,
    expired_total: sums.expired,
    deleted_total: sums.deleted,
    created_per_minute: rates.created,
    cleaned_up_per_minute: rates.cleanedUp,
    sessions_by_node: Object.fromEntries(
      nodes.flatMap((node, at) => {
        const leases = beats[at]?.leases;
        return leases === undefined ? [] : [[node, Number(leases)]];
      }),
    ),
  };
}
