import { afterEach, beforeEach, expect, test } from "vitest";
import { FileMissing, type StagedVersion, type TapeStore } from "./store.js";

/** What every tape store does. `open` gives an empty one, and what removes it. */
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
    const draft = await store.begin(id);
    await draft.append("data.bin", Buffer.from(text));
    await draft.commit();
    return draft.version;
  }

  test("[TP1] a draft is seen by nobody until it is published", async () => {
    const draft = await store.begin("aapl");
    await draft.append("data.bin", Buffer.from("abc"));
    expect(await store.ids()).toEqual([]);
    expect(await store.current("aapl")).toBeUndefined();
    expect(await store.versions("aapl")).toEqual([]);
    await expect(store.read("aapl", draft.version, "data.bin")).rejects.toThrow(FileMissing);

    await draft.commit();
    expect(await store.ids()).toEqual(["aapl"]);
    expect(await store.current("aapl")).toBe(draft.version);
    expect(await store.versions("aapl")).toEqual([draft.version]);
    expect(String(await store.read("aapl", draft.version, "data.bin"))).toBe("abc");
  });

  test("[TP1] the last published version is the current one, the ones before it stay", async () => {
    const first = await publish("aapl", "first");
    const second = await publish("aapl", "second");
    expect(await store.current("aapl")).toBe(second);
    expect(await store.versions("aapl")).toEqual([first, second]);
    expect(String(await store.read("aapl", first, "data.bin"))).toBe("first");
    expect(String(await store.read("aapl", second, "data.bin"))).toBe("second");
  });

  test("[TP2] what was appended reads back, whole and in ranges, and a range ends with its file", async () => {
    const draft = await store.begin("aapl");
    const pieces = [Buffer.from("0123"), Buffer.from("456789"), Buffer.from("")];
    for (const piece of pieces) await draft.append("a.bin", piece);
    await draft.append("b.bin", Buffer.alloc(0));
    await draft.commit();
    expect(String(await store.read("aapl", draft.version, "a.bin"))).toBe("0123456789");
    expect(String(await store.readRange("aapl", draft.version, "a.bin", 3, 4))).toBe("3456");
    expect(String(await store.readRange("aapl", draft.version, "a.bin", 8, 100))).toBe("89");
    expect(await store.readRange("aapl", draft.version, "a.bin", 20, 5)).toHaveLength(0);
    expect(await store.read("aapl", draft.version, "b.bin")).toHaveLength(0);
  });

  test("[TP2] bytes that a reader changes are not the store's", async () => {
    const version = await publish("aapl", "intact");
    (await store.read("aapl", version, "data.bin")).fill(0);
    expect(String(await store.read("aapl", version, "data.bin"))).toBe("intact");
  });

  test("[TP2] a file that is not there is FileMissing", async () => {
    const version = await publish("aapl");
    await expect(store.read("aapl", version, "other.bin")).rejects.toThrow(FileMissing);
    await expect(store.readRange("aapl", version + 1, "data.bin", 0, 1)).rejects.toThrow(FileMissing);
    await expect(store.readRange("msft", 1, "data.bin", 0, 1)).rejects.toThrow(FileMissing);
  });

  test("[TP3] a version's number is not used again after it was deleted", async () => {
    await publish("aapl");
    const second = await publish("aapl");
    await store.delete("aapl", second);
    expect(await publish("aapl")).toBe(second + 1);
  });

  test("[TP3] after the last version was deleted the tape is gone, and its next version has a new number", async () => {
    const only = await publish("aapl");
    await store.delete("aapl", only);
    expect(await store.ids()).toEqual([]);
    expect(await store.current("aapl")).toBeUndefined();
    expect(await publish("aapl")).toBe(only + 1);
  });

  test("[TP7] deleting the current version makes the newest one left the current one", async () => {
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

  test("[TP8] an erased tape is gone with its numbers, and erasing what is not there does nothing", async () => {
    await publish("aapl");
    await publish("aapl");
    await store.erase("aapl");
    await store.erase("aapl");
    expect(await store.ids()).toEqual([]);
    expect(await store.versions("aapl")).toEqual([]);
    expect(await publish("aapl")).toBe(1);
  });

  test("[TP8] the parts of a tape are a store of their own that no listing shows", async () => {
    const parts = store.segments("live.aapl");
    expect(await parts.ids()).toEqual([]);
    expect(await store.tapesWithSegments()).toEqual([]);
    const draft = await parts.begin("0-63-0");
    await draft.append("data.bin", Buffer.from("abc"));
    await draft.commit();
    await publish("aapl");
    expect(await store.ids()).toEqual(["aapl"]);
    expect(await store.versions("live.aapl")).toEqual([]);
    expect(await store.tapesWithSegments()).toEqual(["live.aapl"]);
    expect(await store.segments("live.aapl").ids()).toEqual(["0-63-0"]);
    expect(String(await store.segments("live.aapl").read("0-63-0", 1, "data.bin"))).toBe("abc");
    expect(await store.segments("live.msft").ids()).toEqual([]);
  });

  test("[TP8] a tape's parts go together", async () => {
    for (const id of ["0-63-0", "64-127-6400"]) {
      const draft = await store.segments("live.aapl").begin(id);
      await draft.append("data.bin", Buffer.from("abc"));
      await draft.commit();
    }
    await store.eraseSegments("live.aapl");
    await store.eraseSegments("live.aapl");
    expect(await store.segments("live.aapl").ids()).toEqual([]);
    expect(await store.tapesWithSegments()).toEqual([]);
  });

  test("[TP4] of two writers of one tape the later one wins, and the earlier one is told", async () => {
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

  test("[TP4] a discarded draft leaves nothing, however often it is discarded", async () => {
    const draft = await store.begin("aapl");
    await draft.append("data.bin", Buffer.from("abc"));
    await draft.discard();
    await draft.discard();
    expect(await store.ids()).toEqual([]);
    expect(await publish("aapl")).toBe(draft.version);
  });
}

async function finish(draft: StagedVersion): Promise<void> {
  await draft.append("more.bin", Buffer.from("more"));
  await draft.commit();
}
