import { expect, test } from "vitest";
import { clientGone, UserQueue } from "./user-queue.js";

/** Work that runs until the test ends it. */
function work() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  return {
    begun,
    end: (name: string) => ends.get(name)?.(),
    named: (name: string) => () =>
      new Promise<string>((resolve) => {
        begun.push(name);
        ends.set(name, () => resolve(name));
      }),
  };
}

const staying = new AbortController().signal;
const ada = { user: "ada", signal: staying };
const bob = { user: "bob", signal: staying };

test("[A95] a user's work is done one at a time, in order, and another user's meanwhile", async () => {
  const queue = new UserQueue("searches");
  const { begun, end, named } = work();
  const [first, second] = [queue.run(ada, named("a1")), queue.run(ada, named("a2"))];
  const other = queue.run(bob, named("b1"));
  await expect.poll(() => begun).toEqual(["a1", "b1"]);
  end("a1");
  expect(await first).toBe("a1");
  await expect.poll(() => begun).toEqual(["a1", "b1", "a2"]);
  end("a2");
  end("b1");
  expect(await Promise.all([second, other])).toEqual(["a2", "b1"]);
});

test("[A95] work beyond the limit is refused with the seconds to wait before a retry, and delays no other user", async () => {
  const queue = new UserQueue("searches", 2);
  const { begun, end, named } = work();
  const kept = ["a1", "a2", "a3"].map((name) => queue.run(ada, named(name)));
  await expect(queue.run(ada, named("a4"))).rejects.toMatchObject({ code: "TOO_MANY_REQUESTS", retryAfter: 5 });
  const other = queue.run(bob, named("b1"));
  for (const name of ["a1", "a2", "a3", "b1"]) {
    await expect.poll(() => begun).toContain(name);
    end(name);
  }
  expect(await Promise.all([...kept, other])).toEqual(["a1", "a2", "a3", "b1"]);
  expect(begun).not.toContain("a4");
});

test("[A96] the work of a user who has gone is never begun, and a place is free again", async () => {
  const queue = new UserQueue("searches", 1);
  const { begun, end, named } = work();
  const first = queue.run(ada, named("a1"));
  const gone = new AbortController();
  const second = queue.run({ user: "ada", signal: gone.signal }, named("a2"));
  gone.abort(clientGone());
  await expect(second).rejects.toMatchObject({ code: "CLIENT_GONE" });
  const third = queue.run(ada, named("a3"));
  end("a1");
  await first;
  await expect.poll(() => begun).toEqual(["a1", "a3"]);
  end("a3");
  await third;
  await expect(queue.run({ user: "ada", signal: gone.signal }, named("a4"))).rejects.toMatchObject({
    code: "CLIENT_GONE",
  });
});

test("[A95] work that fails lets the next one begin", async () => {
  const queue = new UserQueue("searches");
  const failing = queue.run(ada, () => Promise.reject(new Error("no")));
  const next = queue.run(ada, async () => "done");
  await expect(failing).rejects.toThrow("no");
  expect(await next).toBe("done");
});
