import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { createLogger } from "@tapedeck/runtime";
import { type EncodedPart, StoreUnavailable } from "@tapedeck/tape";
import { afterEach, describe, expect, test, vi } from "vitest";
import { GeneratedFiles } from "./generated-files.js";

const log = createLogger({ service: "api", node: "test", level: "silent" });
const kib = 1024;
let files: GeneratedFiles;
afterEach(() => files.close());

function open(options: { disk?: number; holdMs?: number } = {}): void {
  files = new GeneratedFiles({ diskBytes: options.disk ?? 1_000 * kib, holdMs: options.holdMs ?? 20_000, log });
}

/** A file of some parts of a KiB each, all of its first letter; `next` lets one of them be made. */
class Made {
  readonly parts: number;
  readonly letter: string;
  begun = 0;
  left = false;
  #turns = 0;
  #wake = (): void => undefined;

  constructor(letter: string, parts: number, turns = Number.POSITIVE_INFINITY) {
    this.letter = letter;
    this.parts = parts;
    this.#turns = turns;
  }

  next(turns = 1): void {
    this.#turns += turns;
    this.#wake();
  }

  readonly make = async function* (this: Made): AsyncGenerator<EncodedPart, void, undefined> {
    this.begun++;
    try {
      for (let part = 0; part < this.parts; part++) {
        while (this.#turns <= 0) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
        this.#turns--;
        yield { bytes: new Uint8Array(kib).fill(this.letter.charCodeAt(0)), done: (part + 1) / this.parts };
      }
    } finally {
      this.left = true;
    }
  }.bind(this);

  file(user = "ada") {
    return files.get(this.letter, { user }, this.make);
  }
}

async function textOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  let text = "";
  for await (const piece of pieces) text += Buffer.from(piece).toString();
  return text;
}

const code = (code: string) => expect.objectContaining({ code });

describe("[A151] a file is made", () => {
  test("when its length or bytes are asked for, and once for all who ask", async () => {
    open();
    const made = new Made("a", 3);
    expect(made.file().tag).toBe("a");
    expect(made.begun).toBe(0);
    const lengths = await Promise.all([made.file("ada").complete(), made.file("bob").complete()]);
    expect(lengths).toEqual([3 * kib, 3 * kib]);
    expect(await textOf(made.file("eve").read(kib - 1, kib + 2))).toBe("aaa");
    expect(await textOf(made.file("eve").readAll())).toBe("a".repeat(3 * kib));
    expect([made.begun, files.made]).toEqual([1, 1]);
  });

  test("and sent meanwhile to those who want all of it", async () => {
    open();
    const made = new Made("a", 3, 1);
    const reading = made.file().readAll();
    expect((await reading.next()).value).toHaveLength(kib);
    expect(made.file().bytes).toBeUndefined();
    made.next(2);
    expect(await textOf(reading)).toBe("a".repeat(2 * kib));
    expect(made.file().bytes).toBe(3 * kib);
  });

  test("to the end although its client has left", async () => {
    open();
    const made = new Made("a", 2, 1);
    const reading = made.file().readAll();
    await reading.next();
    await reading.return();
    made.next();
    await expect.poll(() => made.file().bytes).toBe(2 * kib);
    expect(made.begun).toBe(1);
  });

  test("after the others of the same user, and beside those of another, two at a time", async () => {
    open();
    const all = ["a", "b", "c", "d"].map((letter) => new Made(letter, 1, 0));
    const [a, b, c, d] = all;
    if (a === undefined || b === undefined || c === undefined || d === undefined) return expect.fail("too few");
    const lengths = Promise.all(
      [a.file("ada"), b.file("ada"), c.file("bob"), d.file("eve")].map((file) => file.complete()),
    );
    await expect.poll(() => all.map(({ begun }) => begun)).toEqual([1, 0, 1, 0]);
    c.next();
    await expect.poll(() => all.map(({ begun }) => begun)).toEqual([1, 0, 1, 1]);
    for (const made of [a, b, d]) made.next();
    expect(await lengths).toEqual([kib, kib, kib, kib]);
  });

  test("or a request is told after a while to ask again, and how much is done", async () => {
    open({ holdMs: 30 });
    const [made, waiting] = [new Made("a", 4, 1), new Made("b", 1)];
    await expect(made.file().complete()).rejects.toThrow(/^The file is being made and is 25 % done: ask again\./);
    await expect(waiting.file().complete()).rejects.toEqual(code("FILE_NOT_READY"));
    await expect(waiting.file().readAll().next()).rejects.toThrow("waits for others");
    made.next(3);
    await expect.poll(() => waiting.file().bytes).toBe(kib);
    expect(await made.file().complete()).toBe(4 * kib);
  });

  test("or all who wait get the failure, nothing is left, and the next request tries again", async () => {
    open();
    let tries = 0;
    const failing = () =>
      files.get("x", { user: "ada" }, async function* () {
        yield { bytes: new Uint8Array(kib), done: 0.5 };
        if (tries++ === 0) throw new StoreUnavailable(new Error("away"));
      });
    const reading = failing().readAll();
    const both = await Promise.allSettled([failing().complete(), textOf(reading)]);
    expect(both.map((outcome) => outcome.status === "rejected" && outcome.reason)).toEqual([
      code("UNAVAILABLE"),
      code("UNAVAILABLE"),
    ]);
    expect([files.bytes, files.failed]).toEqual([0, 1]);
    expect(await failing().complete()).toBe(kib);
  });

  test("or 503 says why the folder for temporary files cannot be written", async () => {
    open();
    vi.stubEnv("TMPDIR", import.meta.filename);
    try {
      await expect(new Made("a", 1).file().complete()).rejects.toMatchObject({
        code: "UNAVAILABLE",
        message: expect.stringMatching(
          /^This node cannot write to its folder for temporary files: .*a file is in the place of a folder\.$/,
        ),
      });
    } finally {
      vi.unstubAllEnvs();
    }
    expect(files.bytes).toBe(0);
  });

  test("without a name on the disk, so that nothing is left of a process that is killed", async () => {
    open();
    const before = new Set(await readdir(tmpdir()));
    const made = new Made("a", 2, 1);
    const reading = made.file().readAll();
    await reading.next();
    const names = (await readdir(tmpdir())).filter((name) => name.startsWith("tapedeck-file-") && !before.has(name));
    expect(names).toEqual([]);
    made.next();
    expect(await textOf(reading)).toBe("a".repeat(kib));
  });
});

describe("[A152] the disk for files is bounded", () => {
  test("those that were not asked for the longest go first, and none that is read", async () => {
    open({ disk: 10 * kib });
    const [a, b, c, d] = ["a", "b", "c", "d"].map((letter) => new Made(letter, 4));
    if (a === undefined || b === undefined || c === undefined || d === undefined) return expect.fail("too few");
    await a.file().complete();
    await b.file().complete();
    const reading = a.file().readAll();
    await reading.next();
    await c.file().complete();
    expect([a, b, c].map((made) => made.file().bytes)).toEqual([4 * kib, undefined, 4 * kib]);
    await textOf(reading);
    await d.file().complete();
    expect(a.file().bytes).toBeUndefined();
    expect(files.bytes).toBe(8 * kib);
    expect(await b.file().complete()).toBe(4 * kib);
    expect(b.begun).toBe(2);
  });

  test("a file that is larger is refused, and the message says what to do", async () => {
    open({ disk: 1 << 20 });
    const large = new Made("a", 1_025);
    await expect(large.file().complete()).rejects.toThrow(
      "The file is larger than what is left of the 1 MB that a node has for such files: ask for a smaller range of frames.",
    );
    expect(large.left).toBe(true);
    expect(files.bytes).toBe(0);
  });
});
