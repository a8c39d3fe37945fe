import type { RedisConnection } from "@tapedeck/runtime";
import { orUnavailable } from "@tapedeck/sessions";
import type { Seq } from "@tapedeck/tape";
import { decodeFrame, type LiveFrame } from "./frame-message.js";

/** Frames read at a time: some hundred kilobytes. */
const chunkSize = 128;

/** The frames of a stream from `from` on, in chunks, up to its end or the first missing frame. Rejects with `UNAVAILABLE`. */
export async function* readFrames(
  redis: RedisConnection,
  stream: string,
  from: Seq,
): AsyncGenerator<LiveFrame<Buffer>[], void, undefined> {
  let next = from;
  for (;;) {
    const entries = await orUnavailable(redis.xrangeBuffer(stream, `${next}`, "+", "COUNT", chunkSize));
    const frames: LiveFrame<Buffer>[] = [];
    for (const [, [, message]] of entries) {
      const frame = message === undefined ? undefined : decodeFrame(message);
      if (frame?.seq !== next) break;
      frames.push(frame);
      next++;
    }
    if (frames.length > 0) yield frames;
    if (frames.length < chunkSize) return;
  }
}

/** The newest frame of a stream; undefined if it is empty. */
export async function readNewestFrame(redis: RedisConnection, stream: string): Promise<LiveFrame<Buffer> | undefined> {
  const [entry] = await orUnavailable(redis.xrevrangeBuffer(stream, "+", "-", "COUNT", 1));
  const message = entry?.[1][1];
  return message === undefined ? undefined : decodeFrame(message);
}

/** One frame of a stream; undefined if the stream does not have it. */
export async function readFrame(
  redis: RedisConnection,
  stream: string,
  seq: Seq,
): Promise<LiveFrame<Buffer> | undefined> {
  const [entry] = await orUnavailable(redis.xrangeBuffer(stream, `${seq}`, `${seq}`));
  const message = entry?.[1][1];
  return message === undefined ? undefined : decodeFrame(message);
}
