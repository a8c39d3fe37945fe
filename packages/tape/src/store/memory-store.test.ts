import { describe, expect, test } from "vitest";
import { MemoryTapeStore } from "./memory-store.js";
import { tapeStoreContract } from "./store.contract.js";

describe("a memory store", () => {
  tapeStoreContract(async () => ({ store: new MemoryTapeStore() }));

  test("[TP5] is full at its capacity, and has room again when a draft or a version is gone", async () => {
    const store = new MemoryTapeStore({ capacity: 10 });
    const draft = await store.begin("aapl");
    await draft.append("data.bin", Buffer.alloc(8));
    await expect(draft.append("data.bin", Buffer.alloc(3))).rejects.toMatchObject({ code: "ENOSPC" });
    await draft.discard();
    const second = await store.begin("aapl");
    await second.append("data.bin", Buffer.alloc(10));
    await second.commit();
    await store.delete("aapl", second.version);
    await (await store.begin("aapl")).append("data.bin", Buffer.alloc(10));
  });
});
