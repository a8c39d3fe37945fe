import { expect, test } from "vitest";
import { Listeners } from "./listeners.js";

test("[CL7] each undo takes back one listener, and no other", () => {
  const listeners = new Listeners<[number]>();
  const heard: number[] = [];
  const listener = (value: number) => heard.push(value);
  const undo = listeners.add(listener);
  listeners.add(listener);
  listeners.emit(1);
  undo();
  undo();
  listeners.emit(2);
  expect(heard).toEqual([1, 1, 2]);
});

test("[CL7] one that throws keeps no other from hearing, and its error is not lost", async () => {
  const listeners = new Listeners<[number]>();
  const heard: number[] = [];
  listeners.add(() => {
    throw new Error("mine");
  });
  listeners.add((value) => heard.push(value));
  const others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  const uncaught = new Promise<Error>((resolve) => process.once("uncaughtException", resolve));
  try {
    listeners.emit(1);
    expect(heard).toEqual([1]);
    expect((await uncaught).message).toBe("mine");
  } finally {
    for (const other of others) process.on("uncaughtException", other);
  }
});
