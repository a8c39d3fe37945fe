import type { SessionFill } from "@tapedeck/protocol";
import { csvOf } from "@tapedeck/protocol/wire";

const columns = [
  "timestamp",
  "fill_id",
  "order_id",
  "client_order_id",
  "side",
  "price",
  "amount",
  "fee",
  "liquidity",
  "position",
  "realized_pnl",
] as const satisfies readonly (keyof SessionFill)[];

/** One line per fill, oldest first, with the cluster's decimals to the last digit. */
export function fillsCsv(fills: readonly SessionFill[]): string {
  return csvOf([columns, ...fills.map((fill) => columns.map((name) => fill[name]))]);
}
