import { hostname } from "node:os";
import { interval } from "@tapedeck/runtime";
import type { TapeStore } from "@tapedeck/tape";
import type { FeedStore } from "../feed-store/feed-store.js";
import { parseLiveTapeId } from "../feed-store/live-tape-id.js";
import { finishTape } from "./finish-tape.js";

/** Another process may go on this long after one has died. */
const guardMs = 30_000;

/**
 * `finishTape`, while no other process does it for the same feed: a long tape takes minutes, and two would take it from each other for ever. Resolves to
 * undefined if one is at it. Rejects also with `UNAVAILABLE`.
 */
export async function finishAlone(feeds: FeedStore, store: TapeStore, tape: string): Promise<boolean | undefined> {
  const feed = parseLiveTapeId(tape);
  if (feed === undefined) return finishTape(store, tape);
  const node = `${hostname()} ${process.pid}`;
  if (!(await feeds.beginFinishing(feed, node, guardMs))) return undefined;
  const stop = interval(() => void feeds.keepFinishing(feed, guardMs).catch(() => undefined), guardMs / 3);
  try {
    return await finishTape(store, tape);
  } finally {
    stop();
    await feeds.endFinishing(feed).catch(() => undefined); // it ends by itself
  }
}
