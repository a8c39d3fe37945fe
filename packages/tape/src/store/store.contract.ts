import { afterEach, beforeEach, expect, test } from "vitest";
import { FileMissing, type StagedVersion, type TapeStore } from "./store.js";

/** The behaviour of every tape store. `open` returns an empty store, and the function that removes it. */
export function tapeStoreContract(open: () => Promise<{ store: TapeStore; remove?: () => Promise<void> }>): void {
  let store: TapeStore;
  let remove: (() => Promise<void>) | undefined;
  beforeEach(async () => {
    ({ store, remove } = await open());
  });
  afterEach(async () => {
    await remove?.();
  });

  async function publish(id: string, text = "some bytes"): Promise<number> {
    const staged = await store.begin(id);
    await staged.append("data.bin", Buffer.from(text));
    await staged.commit();
    return staged.version;
  }

  test("[TP1] readers do not see a staged version before it is committed", async () => {
    const staged = await store.begin("aapl");
    await staged.append("data.bin", Buffer.from("abc"));
    expect(await store.ids()).toEqual([]);
    expect(await store.current("aapl")).toBeUndefined();
    expect(await store.versions("aapl")).toEqual([]);
    await expect(store.read("aapl", staged.version, "data.bin")).rejects.toThrow(FileMissing);

    await staged.commit();
    expect(await store.ids()).toEqual(["aapl"]);
    expect(await store.current("aapl")).toBe(staged.version);
    expect(await store.versions("aapl")).toEqual([staged.version]);
    expect(String(await store.read("aapl", staged.version, "data.bin"))).toBe("abc");
  });

  test("[TP1] the last committed version is the current one, earlier ones remain", async () => {
    const first = await publish("aapl", "first");
    const second = await publish("aapl", "second");
    expect(await store.current("aapl")).toBe(second);
    expect(await store.versions("aapl")).toEqual([first, second]);
    expect(String(await store.read("aapl", first, "data.bin"))).toBe("first");
    expect(String(await store.read("aapl", second, "data.bin"))).toBe("second");
  });

  test("[TP2] files read back as written, whole and in ranges, and a range ends with its file", async () => {
    const staged = await store.begin("aapl");
    const pieces = [Buffer.from("0123"), Buffer.from("456789"), Buffer.from("")];
    for (const piece of pieces) await staged.append("a.bin", piece);
    await staged.append("b.bin", Buffer.alloc(0));
    await staged.commit();
    expect(String(await store.read("aapl", staged.version, "a.bin"))).toBe("0123456789");
    expect(String(await store.readRange("aapl", staged.version, "a.bin", 3, 4))).toBe("3456");
    expect(String(await store.readRange("aapl", staged.version, "a.bin", 8, 100))).toBe("89");
    expect(await store.readRange("aapl", staged.version, "a.bin", 20, 5)).toHaveLength(0);
    expect(await store.readRange("aapl", staged.version, "a.bin", 0, 0)).toHaveLength(0);
    expect(await store.read("aapl", staged.version, "b.bin")).toHaveLength(0);
  });

  test("[TP2] a reader that changes its bytes does not change the store", async () => {
    const version = await publish("aapl", "intact");
    (await store.read("aapl", version, "data.bin")).fill(0);
    expect(String(await store.read("aapl", version, "data.bin"))).toBe("intact");
  });

  test("[TP2] reading a file that does not exist is FileMissing", async () => {
    const version = await publish("aapl");
    await expect(store.read("aapl", version, "other.bin")).rejects.toThrow(FileMissing);
    await expect(store.readRange("aapl", version + 1, "data.bin", 0, 1)).rejects.toThrow(FileMissing);
    await expect(store.readRange("msft", 1, "data.bin", 0, 1)).rejects.toThrow(FileMissing);
  });

  test("[TP3] the number of a deleted version is not used again", async () => {
    await publish("aapl");
    const second = await publish("aapl");
    await store.delete("aapl", second);
    expect(await publish("aapl")).toBe(second + 1);
  });

  test("[TP3] deleting the last version removes the tape, and its next version has a new number", async () => {
    const only = await publish("aapl");
    await store.delete("aapl", only);
    expect(await store.ids()).toEqual([]);
    expect(await store.current("aapl")).toBeUndefined();
    expect(await publish("aapl")).toBe(only + 1);
  });

  test("[TP7] deleting the current version makes the newest remaining one current", async () => {
    const first = await publish("aapl");
    const second = await publish("aapl");
    await publish("aapl");
    await store.delete("aapl", first);
    await store.delete("aapl", 3);
    expect(await store.current("aapl")).toBe(second);
    expect(await store.versions("aapl")).toEqual([second]);
    await expect(store.read("aapl", first, "data.bin")).rejects.toThrow(FileMissing);
    await expect(store.delete("aapl", first)).rejects.toThrow(FileMissing);
  });

  test("[TP8] erasing a tape frees its numbers, and erasing a missing tape does nothing", async () => {
    await publish("aapl");
    await publish("aapl");
    await store.erase("aapl");
    await store.erase("aapl");
    expect(await store.ids()).toEqual([]);
    expect(await store.versions("aapl")).toEqual([]);
    expect(await publish("aapl")).toBe(1);
  });

  test("[TP8] the segments of a tape are a store of their own, which no listing includes", async () => {
    const segments = store.segments("live.aapl");
    expect(await segments.ids()).toEqual([]);
    expect(await store.tapesWithSegments()).toEqual([]);
    const staged = await segments.begin("0-63-0");
    await staged.append("data.bin", Buffer.from("abc"));
    await staged.commit();
    await publish("aapl");
    expect(await store.ids()).toEqual(["aapl"]);
    expect(await store.versions("live.aapl")).toEqual([]);
    expect(await store.tapesWithSegments()).toEqual(["live.aapl"]);
    expect(await store.segments("live.aapl").ids()).toEqual(["0-63-0"]);
    expect(String(await store.segments("live.aapl").read("0-63-0", 1, "data.bin"))).toBe("abc");
    expect(await store.segments("live.msft").ids()).toEqual([]);
  });

  test("[TP8] the segments of a tape are erased together", async () => {
    for (const id of ["0-63-0", "64-127-6400"]) {
      const staged = await store.segments("live.aapl").begin(id);
      await staged.append("data.bin", Buffer.from("abc"));
      await staged.commit();
    }
    await store.eraseSegments("live.aapl");
    await store.eraseSegments("live.aapl");
    expect(await store.segments("live.aapl").ids()).toEqual([]);
    expect(await store.tapesWithSegments()).toEqual([]);
  });

  test("[TP4] of two writers of one tape the later one wins, and the earlier one gets an error", async () => {
    const before = await publish("aapl", "before");
    const earlier = await store.begin("aapl");
    await earlier.append("data.bin", Buffer.from("earlier"));
    const later = await store.begin("aapl");
    await later.append("data.bin", Buffer.from("later"));
    await later.commit();
    await expect(finish(earlier)).rejects.toThrow("another import of the same tape has taken over");
    await earlier.discard();
    expect(await store.versions("aapl")).toEqual([before, later.version]);
    expect(String(await store.read("aapl", later.version, "data.bin"))).toBe("later");
  });

  test("[TP4] a discarded version leaves nothing, however often it is discarded", async () => {
    const staged = await store.begin("aapl");
    await staged.append("data.bin", Buffer.from("abc"));
    await staged.discard();
    await staged.discard();
    expect(await store.ids()).toEqual([]);
    expect(await publish("aapl")).toBe(staged.version);
  });
}

async function finish(staged: StagedVersion): Promise<void> {
  await staged.append("more.bin", Buffer.from("more"));
  await staged.commit();
}
