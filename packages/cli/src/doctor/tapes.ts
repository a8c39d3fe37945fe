import { StoreUnavailable, TapeCatalog, type TapeStore } from "@tapedeck/tape";
import { storeErrorReason } from "../commands/tape-store.js";
import { type Finding, fail, ok, warn } from "./finding.js";

/** Checks that the tapes can be reached and opened. */
export async function checkTapes(open: () => Promise<TapeStore>, place: string): Promise<Finding[]> {
  try {
    const store = await open();
    const ids = await store.ids();
    if (ids.length === 0) {
      return [
        warn("tapes", `${place} contains no tape`, "run tapedeck import or tapedeck demo, or check TAPEDECK_STORE"),
      ];
    }
    const unreadable: string[] = [];
    const catalog = new TapeCatalog(store, {
      cacheBytes: 8 << 20,
      log: { warn: (details) => unreadable.push("tape" in details ? String(details.tape) : "one") },
    });
    const readable = await catalog.list();
    const opened = await Promise.allSettled(readable.map(({ id }) => catalog.open(id)));
    opened.forEach(({ status }, at) => {
      if (status === "rejected") unreadable.push(readable[at]?.id ?? "one");
    });
    if (unreadable.length === 0) return [ok("tapes", `${readable.length} in ${place}`)];
    return [fail("tapes", `not readable: ${unreadable.join(", ")}`, "import them again; sessions on them stall")];
  } catch (error) {
    const reason = storeErrorReason(error instanceof StoreUnavailable ? error.cause : error);
    return [
      fail(
        "tapes",
        `${place} cannot be read: ${reason}`,
        "check TAPEDECK_STORE, S3_ENDPOINT and the permissions of the store",
      ),
    ];
  }
}
