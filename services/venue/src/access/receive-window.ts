import { BinanceError, missingParameter } from "../http/binance-error.js";

/** Milliseconds. */
const usualWindow = 5_000;
const longestWindow = 60_000;
const aheadMs = 1_000;

/**
 * Whether a signed request is recent: its `timestamp`, in milliseconds or microseconds of wall time, is no older than `recvWindow`
 * milliseconds, and no more than a second ahead of the venue's clock.
 *
 * @param now ms since 1970
 * @throws BinanceError -1102 without a timestamp, -1131 for a window above 60 s, -1021 outside of it
 */
export function checkReceiveWindow(
  { timestamp, recvWindow }: { readonly timestamp: string | undefined; readonly recvWindow: string | undefined },
  now: number,
): void {
  const sent = millisOf(timestamp);
  const window = windowOf(recvWindow);
  if (sent >= now + aheadMs) {
    const message = "Timestamp for this request was 1000ms ahead of the server's time.";
    throw new BinanceError("INVALID_TIMESTAMP", message);
  }
  if (now - sent <= window) return;
  throw new BinanceError("INVALID_TIMESTAMP", "Timestamp for this request is outside of the recvWindow.");
}

function millisOf(timestamp: string | undefined): number {
  if (timestamp === undefined || !/^\d{1,16}$/.test(timestamp)) throw missingParameter("timestamp");
  return timestamp.length > 14 ? Number(timestamp) / 1000 : Number(timestamp);
}

function windowOf(recvWindow: string | undefined): number {
  if (recvWindow === undefined) return usualWindow;
  if (!/^\d{1,9}(\.\d{1,3})?$/.test(recvWindow)) throw missingParameter("recvWindow");
  const window = Number(recvWindow);
  if (window <= longestWindow) return window;
  throw new BinanceError("BAD_RECV_WINDOW", `recvWindow must be less than ${longestWindow}.`);
}
