// The least that a frame can cost with these parts: recorded text -> PUBLISH, one write a wake-up -> ioredis -> uWebSockets.js.
// No sessions, no leases, no checks. The product is measured against it with the same frames, rates and client.
import { createRequire } from "node:module";
import { Redis } from "ioredis";
import type { Clip } from "./load.js";
import { readReel } from "./reel.js";

interface Part {
  role: "publisher" | "gateway";
  redisUrl: string;
}

interface Socket {
  send(message: Uint8Array, binary: boolean): number;
  cork(write: () => void): void;
  getUserData(): { channel: string };
}
interface UwsApp {
  ws(path: string, behaviour: object): UwsApp;
  listen(host: string, port: number, done: (listening: object | false) => void): UwsApp;
}
interface Upgrade {
  getQuery(key: string): string | undefined;
  getHeader(name: string): string;
}
interface UpgradeAnswer {
  upgrade(data: { channel: string }, key: string, protocol: string, extensions: string, context: object): void;
}

const channelOf = (session: string) => `floor:{${session}}`;

/** Publishes each clip's frames at their times. One timer, one write a wake-up. */
function publisher(redis: Redis, reelFile: string, clips: readonly Clip[]): void {
  const { ns, json } = readReel(reelFile);
  const seqs = clips.map(({ fromSeq }) => fromSeq);
  const due = new Map<number, number[]>();
  const schedule = (index: number) => {
    const clip = clips[index];
    const at = ns[seqs[index] ?? 0];
    if (!clip || at === undefined) return;
    const ms = Math.ceil(clip.anchorWallMs + (at - clip.anchorNs) / 1e6);
    const others = due.get(ms);
    if (others) others.push(index);
    else due.set(ms, [index]);
  };
  clips.forEach((_, index) => {
    schedule(index);
  });
  let ms = Math.min(...due.keys());
  const wakeUp = () => {
    // One write a wake-up. An ioredis pipeline does that too, but costs half as much again.
    redis.stream.cork();
    const now = performance.timeOrigin + performance.now();
    for (; ms <= now; ms++) {
      for (const index of due.get(ms) ?? []) {
        const seq = seqs[index] ?? 0;
        void redis.publish(channelOf(clips[index]?.sessionId ?? ""), json[seq] ?? "");
        seqs[index] = seq + 1;
        schedule(index);
      }
      due.delete(ms);
    }
    redis.stream.uncork();
    if (due.size === 0) return;
    while (!due.has(ms)) ms++;
    setTimeout(wakeUp, Math.max(0, ms - performance.timeOrigin - performance.now()));
  };
  wakeUp();
}

/** Forwards each message of a channel to the socket that subscribed to it. */
function gateway(redis: Redis, ready: (url: string) => void, port: number): void {
  const sockets = new Map<string, Socket>();
  redis.on("messageBuffer", (channel: Buffer, message: Buffer) => {
    const socket = sockets.get(channel.toString("latin1"));
    socket?.cork(() => {
      socket.send(message, false);
    });
  });
  loadUws()
    .ws("/ws", {
      maxBackpressure: 1 << 20,
      idleTimeout: 120,
      upgrade: (answer: UpgradeAnswer, request: Upgrade, context: object) => {
        const channel = channelOf(request.getQuery("session_id") ?? "");
        const header = (name: string) => request.getHeader(`sec-websocket-${name}`);
        answer.upgrade({ channel }, header("key"), header("protocol"), header("extensions"), context);
      },
      open: (socket: Socket) => {
        sockets.set(socket.getUserData().channel, socket);
        void redis.subscribe(socket.getUserData().channel);
      },
    })
    .listen("127.0.0.1", port, () => ready(`http://127.0.0.1:${port}`));
}

/** The build that the product's gateway loads. */
function loadUws(): UwsApp {
  const load = createRequire(new URL("../../services/gateway/package.json", import.meta.url));
  try {
    return load("@btc-vision/uwebsockets.js").App();
  } catch {
    return load("@trufflesuite/uws-js-unofficial").App();
  }
}

process.on("message", (message: Part & { port: number; reel: string; clips: Clip[] }) => {
  const redis = new Redis(message.redisUrl);
  if (message.role === "gateway") gateway(redis, (url) => process.send?.({ url }), message.port);
  else redis.once("ready", () => publisher(redis, message.reel, message.clips));
});
process.on("disconnect", () => process.exit());
