import { mode } from "@tapedeck/protocol";
import { z } from "zod";
import { orUnavailable } from "../redis/unavailable.js";
import type { IndexedSession } from "./session-index.js";
import type { SessionStore } from "./store.js";

/** Sessions read in one round trip. */
const pageSize = 500;

/** How many sessions would miss a tape. */
export interface SessionsOnTape {
  /** It is their tape now, whether they play, pause or are stopped. */
  readonly playing: number;
  /** They return to it when they return to a mode. */
  readonly returning: number;
}

/**
 * Counts the sessions of the cluster that are on a tape, page by page. It reads four fields of each session; one that is created or
 * changed meanwhile may be missed. Rejects with `UNAVAILABLE`.
 *
 * @param isThat whether a session on this `id@version` counts
 */
export async function countSessionsOnTape(
  { index, redis, keys }: Pick<SessionStore, "index" | "redis" | "keys">,
  isThat: (tape: string) => boolean,
): Promise<SessionsOnTape> {
  let playing = 0;
  let returning = 0;
  const fields = mode.options.map((each) => `kept_${each.toLowerCase()}`);
  for (let last: IndexedSession | undefined; ; ) {
    const page = await orUnavailable(index.page({}, last, pageSize));
    const read = page.map(({ id }) => orUnavailable(redis.hmget(keys.session(id), "tape", ...fields)));
    for (const [tape, ...kept] of await Promise.all(read)) {
      if (tape && isThat(tape)) playing++;
      else if (kept.some((json) => json && isThat(tapeOf(json)))) returning++;
    }
    last = page.at(-1);
    if (page.length < pageSize) return { playing, returning };
  }
}

const keptMode = z.object({ tape: z.string() });

/** The tape of a kept mode; empty if it has none, or if this release cannot read it. */
function tapeOf(json: string): string {
  try {
    return keptMode.parse(JSON.parse(json)).tape;
  } catch {
    return ""; // such a mode is dropped when the session returns to it
  }
}
