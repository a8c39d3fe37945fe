// Two programs on one session, wherever they run: what one does, the other sees.
//   node examples/remote.mjs [address of the cluster]
import { TapedeckError, tapedeck } from "@tapedeck/client";
import WebSocket from "ws";

const [, , url = "http://localhost:8000"] = process.argv;
const deck = tapedeck({ url, WebSocket });

const remote = await deck.open();
const viewer = await deck.join(remote.id);
viewer.onState(({ cause, session }) => console.log(`viewer: ${session.state} at ${session.cursor_ts} (${cause})`));

await remote.seek({ fraction: 0.5 });
await remote.step({ frames: -1 });
await remote.rewind({ by: "10s" });
await remote.range({ from: remote.view.cursor_ts, loop: false });
await remote.speed(100);
const { epoch, seq } = viewer.position;
await remote.start();

for await (const frame of viewer.frames()) {
  if (viewer.position.epoch > epoch || frame.seq > seq) break; // it plays
}

try {
  await remote.live();
} catch (error) {
  if (!(error instanceof TapedeckError)) throw error;
  console.log(`refused: ${error.code}: ${error.message}`);
}

await deck.sessions.delete(remote.id); // both end by that
