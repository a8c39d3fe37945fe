import { decodeRecord, type SessionRecord } from "@tapedeck/sessions";

const hash = {
  id: "session",
  user_id: "",
  mode: "REPLAY",
  state: "PLAYING",
  reason: "",
  speed: "1",
  symbol: "",
  source: "",
  tape: "",
  seed: "",
  scenario: "",
  epoch: "1",
  epoch_from_seq: "0",
  rev: "1",
  anchor_wall_ts: "0",
  anchor_tape_ts: "0",
  anchor_seq: "0",
  published_seq: "0",
  from_ns: "",
  to_ns: "",
  loop: "0",
  gaps: "skip",
  max_fps: "0",
  history_from_seq: "0",
  ticker: "",
  ticker_seen_ms: "0",
  parked: "0",
  edge: "0",
  feed: "",
  feed_reason: "",
  created_at: "0",
  last_activity: "0",
  ttl: "3600",
  created_by: "",
};

/** A session as it could be in Redis, for tests of code that reads a few of its fields. */
export function aRecord(fields: Partial<SessionRecord>): SessionRecord {
  return { ...decodeRecord(hash), ...fields };
}
