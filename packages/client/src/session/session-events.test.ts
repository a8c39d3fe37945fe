import { expect, test } from "vitest";
import { Listeners } from "./session-events.js";

test("[CL7] each returned function removes one listener and no other", () => {
  const listeners = new Listeners<[number]>();
  const received: number[] = [];
  const listener = (value: number) => received.push(value);
  const remove = listeners.add(listener);
  listeners.add(listener);
  listeners.emit(1);
  remove();
  remove();
  listeners.emit(2);
  expect(received).toEqual([1, 1, 2]);
});

test("[CL7] when a listener throws, the others are still called and its error is reported", async () => {
  const listeners = new Listeners<[number]>();
  const received: number[] = [];
  listeners.add(() => {
    throw new Error("mine");
  });
  listeners.add((value) => received.push(value));
  const others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  const uncaught = new Promise<Error>((resolve) => process.once("uncaughtException", resolve));
  try {
    listeners.emit(1);
    expect(received).toEqual([1]);
    expect((await uncaught).message).toBe("mine");
  } finally {
    for (const other of others) process.on("uncaughtException", other);
  }
});
