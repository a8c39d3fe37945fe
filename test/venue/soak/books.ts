import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { fullBook } from "@tapedeck/protocol";
import { z } from "zod";
import type { Http } from "../../support/http.js";
import type { ClientProgram, SoakReport } from "./client-program.js";
import type { SoakClient } from "./clients.js";

/** A client whose socket was closed before the pause may need the market to play on until it has a book again. */
const attempts = 8;
const compareMs = 8_000;
const playMs = 3_000;

const number = z.coerce.number();
const depth = z.object({ bids: z.array(z.tuple([number, number])), asks: z.array(z.tuple([number, number])) });
type Book = z.infer<typeof depth>;

interface Compared {
  readonly id: string;
  readonly client: SoakClient;
  readonly program: ClientProgram;
  /** The whole book at the client's venue. */
  readonly bookHere: () => Promise<Book>;
}

/** While the market stands, the client's local book is the venue's. */
export async function compareBooks(
  http: Http,
  { id, client, program, bookHere }: Compared,
): Promise<{ readonly levels: number; readonly failures: readonly string[] }> {
  let last = "";
  for (let attempt = 1; attempt <= attempts; attempt++) {
    if (attempt > 1) await http.control(id, "resume");
    await sleep(playMs); // the market plays, and the last orders arrive
    await http.control(id, "pause");
    const wanted = await bookHere();
    const deadline = Date.now() + compareMs;
    do {
      const { book } = await program.report();
      const levels = Math.min(book.bids.length, book.asks.length);
      if (levels >= client.levels && isSame(book, wanted)) return { levels, failures: [] };
      last = `${JSON.stringify(best(book))} for the client, ${JSON.stringify(best(wanted))} at the venue`;
      await sleep(300); // what was sent before the pause is on its way
    } while (Date.now() < deadline);
  }
  return { levels: 0, failures: [`after ${attempts} pauses its book is ${last}`] };
}

/** The levels that a client has are the best of what it should have. */
function isSame(book: SoakReport["book"], wanted: Book): boolean {
  return (["bids", "asks"] as const).every((side) =>
    isDeepStrictEqual(
      book[side].map(([price, size]) => [price, size]),
      wanted[side].slice(0, book[side].length),
    ),
  );
}

const best = ({ bids, asks }: SoakReport["book"]) => ({ bids: bids.slice(0, 3), asks: asks.slice(0, 3) });

/** How often the book is asked for, a second apart: a balancer ends requests to a node that is too busy to answer it, and clients ask again. */
const askAttempts = 5;

/** The whole book at a venue. */
export async function bookOf(url: string, account: SoakClient["account"], symbol: string): Promise<Book> {
  const path = account === "spot" ? "api/v3/depth?limit=5000" : "fapi/v1/depth?limit=1000";
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await fetch(`${url}/${path}&symbol=${symbol}`);
      return depth.parse(await answer.json());
    } catch (error) {
      if (attempt === askAttempts) throw error;
      await sleep(1_000);
    }
  }
}

/** On a frame of the tape, the venue's book is the tape's. */
export async function compareWithTape(http: Http, id: string, bookHere: () => Promise<Book>): Promise<string[]> {
  const { cursor_seq: seq } = (await http.session(id)).controller_state;
  await http.control(id, "seek", { seq });
  const there = await http.ask(fullBook, "GET", `/sessions/${id}/book?depth=1000`);
  const book = await bookHere();
  const tape = depth.parse(there);
  const levels = Math.min(1_000, there.bid_levels, there.ask_levels);
  const isTape = (["bids", "asks"] as const).every((side) =>
    isDeepStrictEqual(book[side].slice(0, levels), tape[side].slice(0, levels)),
  );
  return isTape ? [] : [`at frame ${seq} the venue's book is not the tape's`];
}
