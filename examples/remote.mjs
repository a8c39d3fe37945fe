// Two programs on one session: what one does, the other sees. They can run on different machines.
//   node examples/remote.mjs [address of the cluster]
import { TapedeckError, tapedeck } from "@tapedeck/client";
import WebSocket from "ws";

const [, , url = "http://localhost:8000"] = process.argv;
const client = tapedeck({ url, WebSocket });

const remote = await client.open();
const viewer = await client.join(remote.id);
viewer.onState(({ cause, session }) => console.log(`viewer: ${session.state} at ${session.cursor_ts} (${cause})`));

await remote.seek({ fraction: 0.5 });
await remote.step({ frames: -1 });
await remote.rewind({ by: "10s" });
await remote.range({ from: remote.view.cursor_ts, loop: false });
await remote.speed(100);
const { epoch, seq } = viewer.position;
await remote.start();

for await (const frame of viewer.frames()) {
  if (viewer.position.epoch > epoch || frame.seq > seq) break; // playback has started
}

try {
  await remote.live();
} catch (error) {
  if (!(error instanceof TapedeckError)) throw error;
  console.log(`refused: ${error.code}: ${error.message}`);
}

await client.sessions.delete(remote.id); // ends both
