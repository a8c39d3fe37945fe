// What a message costs on a Redis Cluster of three masters, by plain and by sharded pub/sub, and on one Redis:
// `npx tsc -b && npx tsx test/bench/redis-cluster.ts`. See docs/decisions/0021.
import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { connectRedis, corkWrites, createLogger, onMessage, subscribe, untilReady } from "@tapedeck/runtime";
import { Cluster } from "ioredis";
import { RedisClusterServers } from "../support/redis-cluster.js";
import { type RedisServer, startRedisServer } from "../support/redis-server.js";
import { countCpu } from "./cpu.js";

const seconds = Number(process.env.BENCH_SECONDS ?? 10);
const perSecond = Number(process.env.BENCH_MESSAGES ?? 4000);
const everyMs = 4;
const warmUpMs = 2000;
const text = "x".repeat(2048);
const channels = Array.from({ length: 1000 }, (_, n) => `bench:session:{${n}}`);

const log = createLogger({ service: "bench", node: "bench", level: "error" });
type How = "one Redis" | "plain" | "sharded";

const [role, url = "", how = ""] = process.argv.slice(2);
if (role === undefined) await measure();
else if (role === "listen") await listen(url, how);
else await send(url, how);

async function measure(): Promise<void> {
  console.log(
    `${perSecond} messages of ${text.length} bytes a second on ${channels.length} channels, two listeners; us of CPU a message`,
  );
  const single: RedisServer = await startRedisServer();
  await run("one Redis", single.url, [single.pid]);
  await single.stop();
  for (const way of ["plain", "sharded"] as const) {
    const servers = await RedisClusterServers.start({ masters: 3, replicas: 1 });
    await run(way, servers.url, servers.pids);
    await servers.stop();
  }
}

async function run(way: How, redisUrl: string, redisPids: readonly number[]): Promise<void> {
  const child = async (kind: "listen" | "send") => {
    const forked = fork(fileURLToPath(import.meta.url), [kind, redisUrl, way]);
    await once(forked, "message");
    return forked;
  };
  const listeners = [await child("listen"), await child("listen")];
  const sender = await child("send");
  await sleep(warmUpMs);
  const heardBy = async () => {
    const counts = listeners.map((listener) => once(listener, "message"));
    for (const listener of listeners) listener.send("count");
    return (await Promise.all(counts)).map(([count]) => Number(count));
  };
  const [before, used] = [
    await heardBy(),
    countCpu({
      redis: redisPids,
      sender: [sender.pid ?? 0],
      listeners: listeners.map(({ pid }) => pid ?? 0),
    }),
  ];
  await sleep(seconds * 1000);
  const [after, cpu] = [await heardBy(), used()];
  const received = after.map((count, nth) => count - (before[nth] ?? 0));
  const messages = Math.max(...received);
  const each = Object.entries(cpu).map(([kind, us]) => `${kind} ${(us / messages).toFixed(1)}`);
  console.log(`${way.padEnd(10)} ${messages} messages, received ${received.join(" and ")}: ${each.join(", ")}`);
  for (const forked of [sender, ...listeners]) forked.kill();
}

async function listen(redisUrl: string, way: string): Promise<void> {
  const subscriber = connectRedis({ url: redisUrl, purpose: "subscriber", name: "bench", log });
  await untilReady(subscriber);
  let received = 0;
  const count = () => void received++;
  if (way === "plain" && subscriber instanceof Cluster) {
    subscriber.on("messageBuffer", count);
    await subscriber.subscribe(...channels);
  } else {
    onMessage(subscriber, count);
    await subscribe(subscriber, ...channels);
  }
  process.on("message", () => process.send?.(received));
  process.send?.("ready");
}

async function send(redisUrl: string, way: string): Promise<void> {
  const publisher = connectRedis({ url: redisUrl, purpose: "publisher", name: "bench", log });
  await untilReady(publisher);
  let next = 0;
  let owed = 0;
  const onPublished = () => {};
  setInterval(() => {
    owed += (perSecond * everyMs) / 1000;
    corkWrites(publisher, () => {
      for (; owed >= 1; owed--) {
        const channel = channels[next++ % channels.length] ?? "";
        if (way === "sharded") publisher.spublish(channel, text, onPublished);
        else publisher.publish(channel, text, onPublished);
      }
    });
  }, everyMs);
  process.send?.("ready");
}
