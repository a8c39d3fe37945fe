import { expect, test } from "vitest";
import { SeekCoalescer } from "./seek-coalescer";

test("[DB21] while a seek is pending, only the newest target is kept", async () => {
  const asked: number[] = [];
  const answers: (() => void)[] = [];
  const seeker = new SeekCoalescer((ms) => {
    asked.push(ms);
    return new Promise<void>((resolve) => answers.push(resolve));
  });
  const answer = async () => {
    answers.shift()?.();
    await Promise.resolve();
    await Promise.resolve();
  };
  seeker.to(1);
  seeker.to(2);
  seeker.to(3);
  expect(asked).toEqual([1]);
  await answer();
  expect(asked).toEqual([1, 3]);
  await answer();
  seeker.to(4);
  expect(asked).toEqual([1, 3, 4]);
  let idle = false;
  seeker.whenIdle(() => {
    idle = true;
  });
  expect(idle).toBe(false);
  await answer();
  expect(idle).toBe(true);
});
