// A process with a connection for each purpose. On SIGUSR2 it asks on all of them, and says why any of it failed when all is answered.
import { connectRedis, createLogger, subscribe, untilReady } from "@tapedeck/runtime";

const [url] = process.argv.slice(2);
const log = createLogger({ service: "asks", node: "asks", level: "silent" });
const [commands, publisher, subscriber, bullmq] = ["commands", "publisher", "subscriber", "bullmq"].map((purpose) =>
  connectRedis({ url, purpose, name: "asks", log }),
);
const all = { commands, publisher, subscriber, bullmq };
let replaced = 0;
await Promise.all(Object.values(all).map(untilReady));
for (const redis of Object.values(all)) redis.on("close", () => replaced++);

process.on("SIGUSR2", async () => {
  const asked = [
    ["commands", Array.from({ length: 100 }, () => commands.incr("asked"))],
    ["publisher", Array.from({ length: 100 }, () => publisher.publish("said", "x"))],
    ["subscriber", [subscribe(subscriber, "said"), subscribe(subscriber, "more")]],
    ["bullmq", [bullmq.set("kept", "1")]],
  ].map(async ([purpose, answers]) => {
    const lost = (await Promise.allSettled(answers)).filter(({ status }) => status === "rejected");
    return [purpose, [...new Set(lost.map(({ reason }) => String(reason)))]];
  });
  console.log("asked");
  // It is stopped here, at work and not waiting for its sockets: when it goes on, its timers come first.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000);
  console.log(JSON.stringify({ lost: Object.fromEntries(await Promise.all(asked)), replaced }));
});
console.log("ready");
