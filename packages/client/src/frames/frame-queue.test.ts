import { describe, expect, test, vi } from "vitest";
import { soon } from "../../../../test/support/soon.js";
import { TapedeckError } from "../errors.js";
import { frame } from "../testing/messages.js";
import { FrameQueue } from "./frame-queue.js";

describe("[CL6] frames() as a loop", () => {
  test("a loop gets the frames queued before it and those that arrive while it waits, in order", async () => {
    const queue = new FrameQueue(() => {});
    queue.push(frame(1));
    const seqs: number[] = [];
    const loop = (async () => {
      for await (const { seq } of queue) seqs.push(seq);
    })();
    await vi.waitFor(() => expect(seqs).toEqual([1]), soon);
    queue.push(frame(2));
    queue.push(frame(3));
    queue.end();
    await loop;
    expect(seqs).toEqual([1, 2, 3]);
  });

  test("waiting readers are served in order, and the end reaches all of them", async () => {
    const queue = new FrameQueue(() => {});
    const readers = [queue.next(), queue.next(), queue.next()];
    queue.push(frame(1));
    queue.end();
    expect((await Promise.all(readers)).map(({ value }) => value?.seq)).toEqual([1, undefined, undefined]);
  });

  test("leaving the loop removes the listener once", async () => {
    const release = vi.fn();
    const queue = new FrameQueue(release);
    queue.push(frame(1));
    queue.push(frame(2));
    for await (const _ of queue) break;
    queue.push(frame(3));
    queue.end();
    expect(release).toHaveBeenCalledTimes(1);
    expect(await queue.next()).toEqual({ done: true, value: undefined });
  });

  test("an error is thrown after the frames that preceded it", async () => {
    const queue = new FrameQueue(() => {});
    queue.push(frame(1));
    queue.end(new TapedeckError("FORBIDDEN", "not yours"));
    expect((await queue.next()).value?.seq).toBe(1);
    await expect(queue.next()).rejects.toMatchObject({ code: "FORBIDDEN" });
  });

  test("a reader that is 10,000 frames behind gets an error, and its queue is dropped", async () => {
    const release = vi.fn();
    const queue = new FrameQueue(release);
    const one = frame(0);
    for (let count = 0; count < 10_000; count++) queue.push(one);
    expect(release).not.toHaveBeenCalled();
    queue.push(one);
    expect(release).toHaveBeenCalledTimes(1);
    await expect(queue.next()).rejects.toMatchObject({ code: "behind" });
  });
});
