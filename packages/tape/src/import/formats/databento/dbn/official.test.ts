import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { dbnOf, flags, mboRecord, priceRecord, schemaNumbers, startNs } from "./testing.js";

/** A Python with Databento's own codec: `pip install databento-dbn`. */
const python = process.env.TAPEDECK_PYTHON ?? "python3";
const absent = !works(["-c", "import databento_dbn"]);
if (absent) {
  process.stderr.write(
    `\nNO databento-dbn in ${python} (TAPEDECK_PYTHON): tests with Databento's codec are SKIPPED.\n\n`,
  );
}

function works(args: readonly string[]): boolean {
  try {
    execFileSync(python, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Prints what Databento's decoder reads from a file: one line for the metadata, one for each record. */
const decoder = `
import sys
from databento_dbn import DBNDecoder
decoder = DBNDecoder()
decoder.write(sys.stdin.buffer.read())
meta, *records = decoder.decode()
mappings = [(name, [(str(i["start_date"]), str(i["end_date"]), i["symbol"]) for i in of]) for name, of in meta.mappings.items()]
print(meta.schema, mappings)
for r in records:
    levels = [(l.bid_px, l.bid_sz, l.ask_px, l.ask_sz) for l in getattr(r, "levels", [])]
    print(r.publisher_id, r.instrument_id, r.ts_event, r.ts_recv, str(r.action), str(r.side), r.price, r.size, int(r.flags), r.sequence, getattr(r, "order_id", None), levels)
`;

const undefinedPrice = 2n ** 63n - 1n;

describe.skipIf(absent)("Databento's decoder", () => {
  test.each([1, 2, 3] as const)("[IM103] reads version %i of the files that these tests write", (version) => {
    const mappings = [{ symbol: "ESH4", intervals: [[20240301, 20240302, "5482"] as const] }];
    const named = `[('ESH4', [('2024-03-01', '2024-03-02', '5482')])]`;
    const received = startNs + 200_005n;
    const order = mboRecord({
      ...{ event: 5, action: "A", side: "B", price: -37_630_000_000n, size: 7, order: 2n ** 63n + 1n },
      ...{ flags: flags.last | flags.snapshot, sequence: 4_000_000_000 },
    });
    expect(decoded(dbnOf({ version, schema: schemaNumbers.mbo, mappings, records: [order] }))).toEqual([
      `mbo ${named}`,
      `1 5482 ${startNs + 5n} ${received} A B -37630000000 7 160 4000000000 ${2n ** 63n + 1n} []`,
    ]);
    const levels = { bids: [[5n, 1] as const, [4n, 2] as const], asks: [[6n, 3] as const] };
    const record = { event: 5, action: "T", side: "A", price: 5n, size: 7, sequence: 3, ...levels };
    const schemas = [
      ["trades", schemaNumbers.trades, 0],
      ["mbp-1", schemaNumbers.mbp1, 1],
      ["tbbo", schemaNumbers.tbbo, 1],
      ["mbp-10", schemaNumbers.mbp10, 10],
    ] as const;
    for (const [name, schema, count] of schemas) {
      const read = Array.from({ length: count }, (_, n) => {
        const [bid, ask] = [levels.bids[n], levels.asks[n]];
        return `(${bid?.[0] ?? undefinedPrice}, ${bid?.[1] ?? 0}, ${ask?.[0] ?? undefinedPrice}, ${ask?.[1] ?? 0})`;
      });
      const bytes = dbnOf({ version, schema, mappings, records: [priceRecord(record, count)] });
      expect(decoded(bytes)).toEqual([
        `${name} ${named}`,
        `1 5482 ${startNs + 5n} ${received} T A 5 7 128 3 None [${read.join(", ")}]`,
      ]);
    }
  });
});

function decoded(file: Uint8Array): string[] {
  return execFileSync(python, ["-c", decoder], { input: file, encoding: "utf8" }).trimEnd().split("\n");
}
