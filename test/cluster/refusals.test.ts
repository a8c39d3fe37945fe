import { type CommandName, errorBody } from "@tapedeck/protocol";
import { expect } from "vitest";
import { testOnCluster } from "../support/cluster.js";

const test = testOnCluster(() => ({ apis: 1, gateways: 1, tickers: 1 }));

/** Invalid arguments of each command with arguments: at least one of the wrong shape and one out of range. */
const refused: readonly [command: CommandName, args: Record<string, unknown>][] = [
  ["speed", { value: 0.01 }],
  ["speed", { value: 5000 }],
  ["speed", { value: "fast" }],
  ["goback", { seconds: 0 }],
  ["goback", { seconds: 1e10 }],
  ["goback", { seconds: "soon" }],
  ["seek", {}],
  ["seek", { ts: "2024-13-01T00:00:00Z" }],
  ["seek", { ts: true }],
  ["seek", { seq: 1.5 }],
  ["seek", { seq: -1 }],
  ["seek", { fraction: 1.5 }],
  ["seek", { fraction: "half" }],
  ["seek", { seq: 1, fraction: 0.5 }],
  ["seek", { event: "last" }],
  ["seek", { event: "next", min_severity: "HIGH" }],
  ["step", {}],
  ["step", { frames: 0 }],
  ["step", { frames: "1" }],
  ["step", { ms: 1e9 }],
  ["range", { loop: "yes" }],
  ["range", { from: "yesterday" }],
  ["range", { to: -1 }],
  ["order", {}],
  ["order", { side: "HOLD" }],
  ["order", { side: null }],
  ["order", { side: "BUY", quantity: 0 }],
  ["order", { side: "BUY", quantity: "all" }],
  ["order", { side: "BUY", quantity: null }], // counts as absent: refused because the session is not in SIMULATION
  ["mode", {}],
  ["mode", { mode: "live" }],
  ["mode", { mode: "REPLAY", symbol: 5 }],
  ["mode", { mode: "REPLAY", tape: "" }],
  ["mode", { mode: "SIMULATION", seed: -1 }],
  ["mode", { mode: "REPLAY", tape: "none" }],
  ["live", {}], // the session is not in LIVE
];

test("[P8] a refused command has the same code and sentence by HTTP and by socket", async ({ cluster }) => {
  const { session_id: id } = await cluster.http.create({ tape: "usdm" });
  const viewer = await cluster.watch(id);
  for (const [nth, [command, args]] of refused.entries()) {
    const { value, seconds, ...body } = args;
    const beside = value ?? seconds;
    const path =
      command === "mode" ? `/mode/${id}` : `/replay/${command}${beside === undefined ? "" : `/${beside}`}/${id}`;
    const { code, message } = errorBody.parse((await cluster.http.call("POST", path, body)).body);
    viewer.send(JSON.stringify({ type: "command", id: nth, command, ...args }));
    const answer = () => viewer.messagesOf("error").find((error) => error.id === nth);
    await viewer.until(() => answer() !== undefined, `refusal of ${command} ${JSON.stringify(args)}`);
    const refused = answer();
    expect([command, args, refused?.code, refused?.message]).toEqual([command, args, code, message]);
    expect(message).toMatch(
      code === "MALFORMED" || code === "INVALID_VALUE" ? /^\w+: .*; nothing was changed\.$/ : /./,
    );
  }
});

test("[P8] the refusal of an invalid message says what is wrong with it", async ({ cluster }) => {
  const viewer = await cluster.watch(undefined);
  const odd: readonly [message: string, sentence: string][] = [
    ["{", "message: must be JSON; nothing was changed."],
    ["[]", "message: expected object, received array; nothing was changed."],
    ['{"type":"subscribe"}', "type: must be command, ping, ack_frame, auth or ORDER; nothing was changed."],
    [
      '{"type":"command","id":{},"command":"pause"}',
      "id: must be a text of at most 100 characters or a number; nothing was changed.",
    ],
    [
      '{"type":"command","id":1,"command":"fly"}',
      "command: must be one of start, pause, resume, stop, live, speed, pace, goback, seek, step, range, mode, order; nothing was changed.",
    ],
    ['{"type":"auth"}', "token: is missing; expected string; nothing was changed."],
    ['{"type":"ORDER","side":"HOLD"}', "side: must be BUY or SELL; nothing was changed."],
  ];
  for (const [message] of odd) viewer.send(message);
  await viewer.until(() => viewer.messagesOf("error").length === odd.length, "an error for each");
  expect(viewer.messagesOf("error").map(({ message }) => message)).toEqual(odd.map(([, sentence]) => sentence));
});
