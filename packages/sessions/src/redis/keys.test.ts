import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { encodeRecord } from "../store/record-codec.js";
import { totalFields } from "../store/totals.js";
import { createdSession } from "../testing/apply-command.js";
import { shelf, steadyTape } from "../testing/synthetic-tape.js";
import { keysWith } from "./keys.js";

const keys = keysWith("tapedeck");
const names = {
  session: keys.session("ID"),
  viewers: keys.viewers("ID"),
  epochs: keys.epochs("ID"),
  orders: keys.orders("ID"),
  actions: keys.actions("ID"),
  branches: keys.branches("ID"),
  checkpoints: keys.checkpoints("ID"),
  shares: keys.shares("ID"),
  venueKeys: keys.venueKeys("ID"),
  expiry: keys.expiry,
  created: keys.created,
  mode: keys.mode("MODE"),
  state: keys.state("STATE"),
  createdBy: keys.createdBy("ADDRESS"),
  ownedBy: keys.ownedBy("USER"),
  stats: keys.stats,
  statsOfMinute: keys.statsOfMinute(28928880),
  node: keys.node("NODE"),
  nodes: keys.nodes,
  tickerChannel: keys.tickerChannel("NODE"),
  probeChannel: keys.probeChannel("NODE"),
  legacy: keys.legacy("FINGERPRINT"),
  legacyPages: keys.legacyPages("FINGERPRINT"),
  live: keys.live("SOURCE", "SYMBOL"),
  liveTape: keys.liveTape("SOURCE", "SYMBOL"),
  liveEvents: keys.liveEvents("SOURCE", "SYMBOL"),
  liveFinishing: keys.liveFinishing("SOURCE", "SYMBOL"),
  liveWanted: keys.liveWanted,
  liveFeeds: keys.liveFeeds,
  audit: keys.audit,
  liveLeft: keys.liveLeft,
  liveDemandsOf: keys.liveDemandsOf("OWNER"),
  liveDemandsFor: keys.liveDemandsFor("SOURCE:SYMBOL"),
  liveListed: keys.liveListed("SOURCE"),
  liveBegun: keys.liveBegun("OWNER"),
  rate: keys.rate("{KIND}"),
  bullPrefix: keys.bullPrefix,
};
const keyspace = await readFile(new URL("../../../../docs/keyspace.md", import.meta.url), "utf8");

test("[S1] key names are those that operators know", () => {
  expect(names).toEqual({
    session: "tapedeck:session:{ID}",
    viewers: "tapedeck:session:{ID}:viewers",
    epochs: "tapedeck:session:{ID}:epochs",
    orders: "tapedeck:session:{ID}:orders",
    actions: "tapedeck:session:{ID}:actions",
    branches: "tapedeck:session:{ID}:branches",
    checkpoints: "tapedeck:session:{ID}:checkpoints",
    shares: "tapedeck:session:{ID}:shares",
    venueKeys: "tapedeck:session:{ID}:venue-keys",
    expiry: "tapedeck:sessions:expiry",
    created: "tapedeck:sessions:created",
    mode: "tapedeck:sessions:mode:{MODE}",
    state: "tapedeck:sessions:state:{STATE}",
    createdBy: "tapedeck:sessions:by:{ADDRESS}",
    ownedBy: "tapedeck:sessions:of:{USER}",
    stats: "tapedeck:stats",
    statsOfMinute: "tapedeck:stats:{28928880}",
    node: "tapedeck:node:{NODE}",
    nodes: "tapedeck:nodes",
    tickerChannel: "tapedeck:ticker:{NODE}",
    probeChannel: "tapedeck:probe:{NODE}",
    legacy: "tapedeck:legacy:{FINGERPRINT}",
    legacyPages: "tapedeck:legacy:{FINGERPRINT}:pages",
    live: "tapedeck:live:{SOURCE:SYMBOL}",
    liveTape: "tapedeck:live:{SOURCE:SYMBOL}:tape",
    liveEvents: "tapedeck:live:{SOURCE:SYMBOL}:events",
    liveFinishing: "tapedeck:live:{SOURCE:SYMBOL}:finishing",
    liveWanted: "tapedeck:live:wanted",
    liveFeeds: "tapedeck:live:feeds",
    audit: "tapedeck:audit",
    liveLeft: "tapedeck:live:{tapedeck:live:wanted}:left",
    liveDemandsOf: "tapedeck:live:{tapedeck:live:wanted}:of:OWNER",
    liveDemandsFor: "tapedeck:live:{tapedeck:live:wanted}:for:SOURCE:SYMBOL",
    liveListed: "tapedeck:live:{tapedeck:live:wanted}:listed:SOURCE",
    liveBegun: "tapedeck:live:{tapedeck:live:wanted}:begun:OWNER",
    rate: "tapedeck:rate:{KIND}",
    bullPrefix: "tapedeck:bull",
  });
  expect(keys.sessionChannel("ID")).toBe(names.session);
});

test("[S1] the documentation lists every key and every field", async () => {
  for (const name of Object.values(names)) expect(keyspace).toContain(name.replace("28928880", "MINUTE"));
  const record = await createdSession(shelf(steadyTape(1)));
  for (const field of [...Object.keys(encodeRecord(record)), ...totalFields])
    expect(keyspace).toContain(`\`${field}\``);
});

test("[S1] all keys of a session, and all of a feed, share a slot", () => {
  for (const name of [names.session, names.viewers, names.epochs, names.orders]) expect(name).toContain("{ID}");
  for (const name of [names.live, names.liveTape, names.liveEvents]) expect(name).toContain("{SOURCE:SYMBOL}");
});
