// Opens a session, plays it at ten times the speed, and prints its frames.
//   node examples/watch.mjs [frames] [address of the cluster]
import { tapedeck } from "@tapedeck/client";
import WebSocket from "ws"; // Node 22 and later have their own

const [, , frames = "50", url = "http://localhost:8000"] = process.argv;

const session = await tapedeck({ url, WebSocket }).open({ speed: 10 });
session.onConnection(({ connection, why = "" }) => console.log(`-- ${connection} ${why}`));
session.onEnd(({ reason }) => console.log(`-- ${session.id}: ${reason}`));
await session.start();

let left = Number(frames);
for await (const { timestamp, symbol, mid_price, trades } of session.frames()) {
  console.log(timestamp, symbol, mid_price, `${trades.length} trades`);
  if (--left <= 0) break;
}

session.close(); // nothing is left running, so the program exits
