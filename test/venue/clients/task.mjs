// What every client needs: addresses and a key, as one line of JSON in its first argument.
import { createRequire } from "node:module";
import { join } from "node:path";

/**
 * @typedef {object} Task
 * @property {string} spot address of the spot venue, `http://host/venue/binance/SESSION`
 * @property {string} usdm address of the futures venue
 * @property {string} apiKey
 * @property {string} secret
 * @property {"spot" | "usdm"} market
 * @property {string} symbol such as BTCUSDT
 * @property {number} orders how many to place
 * @property {string} amount of each
 * @property {number} [priceDecimals] 1 unless given
 * @property {number} [seconds] to spread the orders over; then the program tells what it knows for each line of its standard input
 */

/** @returns {Task & { folder: string }} */
export function task() {
  return JSON.parse(process.argv[2] ?? "{}");
}

/** Loads a package from the folder where the clients are installed. */
export function installed(name) {
  return createRequire(join(task().folder, "package.json"))(name);
}

/** The address for WebSockets. */
export function wsOf(address) {
  return address.replace(/^http/, "ws");
}

/** Waits until something is so, and fails after a quarter of a minute. */
export async function until(isSo, what) {
  const deadline = Date.now() + 15_000;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`no ${what} in time`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
