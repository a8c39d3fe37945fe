import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, onTestFinished } from "vitest";
import { z } from "zod";
import { type TestCluster, testOnCluster } from "../support/cluster.js";
import { type Program, Python } from "../support/python.js";
import { recordedFiles } from "../support/tapes.js";
import { venueAddress } from "../support/venue-bot.js";

const test = testOnCluster(() => ({ venues: 2, gateways: 1, apis: 1, tickers: 1 }));

const noRecording = recordedFiles("eth").length === 0;
if (noRecording) console.warn("SKIPPED: the local books of Binance's clients, without a recording.");
const folder = fileURLToPath(new URL("clients/python/", import.meta.url));
/** They take two minutes. */
const isWanted = process.env.TAPEDECK_TEST_CLIENTS === "all";
if (!isWanted) console.warn("SKIPPED: the local books of Binance's clients, without TAPEDECK_TEST_CLIENTS=all.");
const python = noRecording || !isWanted ? undefined : await Python.locked(`${folder}requirements.txt`);
/** How long the market plays before each comparison, in seconds; the recording has 345 at its own speed. */
const seconds = Number(process.env.TAPEDECK_VENUE_SECONDS ?? 4);
const timeout = 200_000 + seconds * 10_000;

const clients = [
  ["ccxt.pro", "spot"],
  ["ccxt.pro", "usdm"],
  ["unicorn", "spot"],
  ["unicorn", "usdm"],
] as const;

const side = z.array(z.tuple([z.number(), z.number()]).rest(z.unknown()));
const books = z.array(z.object({ bids: side, asks: side }));
const depth = z.object({ bids: z.array(z.array(z.coerce.number())), asks: z.array(z.array(z.coerce.number())) });

/** A program that prints the books of its clients for each line that it gets. */
function started({ command, args, env }: Program) {
  const child = spawn(command, [...args], { env, stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL"); // some of these clients do not end their threads
    await once(child, "exit");
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async () => {
    child.stdin.write("\n");
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error("the program has ended");
      if (`${value}`.startsWith("[")) return books.parse(JSON.parse(value));
      process.stderr.write(`${value}\n`);
    }
  };
}

async function bookOf(cluster: TestCluster, id: string, market: "spot" | "usdm") {
  const path = market === "spot" ? "api/v3" : "fapi/v1";
  const answer = await fetch(`${venueAddress(cluster, id, market)}/${path}/depth?symbol=ETHUSDT&limit=20`);
  return depth.parse(await answer.json());
}

describe.skipIf(python === undefined)("the local books of clients, kept by their own code", () => {
  test.for([1, 10])(
    "[VN11] are the venue's at %d times the speed, through pauses and after it has begun anew",
    { timeout },
    async (speed, { cluster }) => {
      if (python === undefined) return;
      await cluster.tapes.recorded("eth");
      const sessions = {
        spot: await cluster.http.create({ tape: "eth" }),
        usdm: await cluster.http.create({ tape: "eth" }),
      };
      const ids = Object.values(sessions).map(({ session_id: id }) => id);
      const everywhere = (action: string) => Promise.all(ids.map((id) => cluster.http.control(id, action)));
      const tasks = clients.map(([client, market], nth) => ({
        ...{ client, market, symbol: "ETHUSDT" },
        url: venueAddress(cluster, sessions[market].session_id, market, nth % 2),
      }));
      await everywhere("start");
      const ask = started(python.program(`${folder}local_books.py`, JSON.stringify(tasks)));
      const without = async () => {
        const kept = await ask();
        return clients.filter((_, nth) => kept[nth]?.bids.length === 0).map((client) => client.join(" "));
      };
      // At its own speed: some take half a minute to begin, in which the whole recording would be over at ten times its speed.
      await expect.poll(without, { timeout: 60_000 }).toEqual([]);
      await everywhere(`speed/${speed}`);
      const compare = async () => {
        await sleep(seconds * 1_000); // the market plays
        await everywhere("pause");
        const wanted = await Promise.all(
          clients.map(([, market]) => bookOf(cluster, sessions[market].session_id, market)),
        );
        const different = async () => {
          const kept = await ask();
          return clients
            .filter((_, nth) => !isDeepStrictEqual(kept[nth], wanted[nth]))
            .map((client) => client.join(" "));
        };
        await expect.poll(different, { timeout: 10_000, interval: 500 }).toEqual([]);
      };
      await compare();
      await everywhere("goback/2");
      // Their sockets are closed, and they have to notice, connect and read the book again, some only with the market's next update.
      for (let attempt = 1; ; attempt++) {
        await everywhere("resume");
        try {
          await compare();
          break;
        } catch (error) {
          if (attempt === 6) throw error;
        }
      }
      for (const id of ids) await cluster.http.delete(id);
    },
  );
});
