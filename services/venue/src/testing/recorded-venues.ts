import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FolderTapeStore, importRecording } from "@tapedeck/tape";
import { type BotKey, SigningClient } from "./signing-client.js";
import { startTestVenue, type TestVenue } from "./start-venue.js";
import { type VenueSessions, venueSessions } from "./venue-sessions.js";

/** Venue nodes of one cluster on an imported recording, and sessions as an api makes them. */
export interface RecordedVenues {
  readonly store: FolderTapeStore;
  /** Its `id@version`. */
  readonly tape: string;
  readonly venues: readonly TestVenue[];
  readonly deck: VenueSessions;
  /** Another node, which the caller ends. @param subscriberUrl where it hears messages, if that is elsewhere */
  start(subscriberUrl?: string): Promise<TestVenue>;
  /** A key of a session, with its secret. */
  keyOf(session: string): Promise<BotKey>;
  stop(): Promise<void>;
}

export async function recordedVenues(
  redisUrl: string,
  files: readonly string[],
  env?: NodeJS.ProcessEnv,
): Promise<RecordedVenues> {
  const folder = await mkdtemp(join(tmpdir(), "tapedeck-venues-"));
  const store = new FolderTapeStore(folder);
  const { tapes } = await importRecording(files, { intervalMs: 100 }, { store });
  const tape = tapes[0]?.tape ?? "";
  const prefix = `test-${randomUUID()}`;
  const start = (subscriberUrl = redisUrl) =>
    startTestVenue({ redisUrl, subscriberUrl, store: folder, prefix, ...(env && { env }) });
  const venues = await Promise.all([start(), start()]);
  const deck = venueSessions({ redisUrl, prefix, folder, defaultTape: tape });
  return {
    store,
    tape,
    venues,
    deck,
    start,
    async keyOf(session) {
      const { apiKey, credential } = await deck.keyOf(session);
      if (credential.kind !== "HMAC") throw new Error("the key has no secret");
      return { apiKey, secret: credential.secret };
    },
    async stop() {
      await deck.stop();
      await Promise.all(venues.map((venue) => venue.end()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A bot of a session at a node. */
export function botAt(
  { url }: Pick<TestVenue, "url">,
  { session, market, key }: { readonly session: string; readonly market: "spot" | "usdm"; readonly key: BotKey },
): SigningClient {
  return new SigningClient(`${url}/venue/binance${market === "spot" ? "" : "-usdm"}/${session}`, key);
}
