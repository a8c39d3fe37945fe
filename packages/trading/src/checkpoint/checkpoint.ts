import { promisify } from "node:util";
import { deflate, inflate } from "node:zlib";
import { sessionFill, sessionOrder } from "@tapedeck/protocol";
import { z } from "zod";
import type { Ledger, LedgerState } from "../ledger/ledger.js";
import type { ReplayState } from "../replay/chain-replay.js";
import { type FindSent, fillOfRow, fillRow, orderRow, outcomeOfRow, rowOfFill, rowOfOrder } from "./ledger-rows.js";

const [compress, decompress] = [promisify(deflate), promisify(inflate)];

const bigintText = z.string().regex(/^-?\d+$/);
const message = z.discriminatedUnion("type", [
  z.object({ type: z.literal("order"), data: sessionOrder }),
  z.object({ type: z.literal("trade_event"), data: sessionFill }),
]);
const tapeOrder = z.object({
  side: z.enum(["bid", "ask"]),
  price: z.number(),
  amount: z.number(),
  entered: z.number(),
});

/** A replay's state and the orders that had arrived and were open: `ReplayState` as JSON. */
const checkpoint = z.object({
  seq: z.int(),
  seqOfEvent: z.int(),
  sent: z.int().min(1),
  arrivals: z.array(bigintText),
  unheard: z.array(z.object({ heardNs: bigintText, from: z.int(), after: bigintText.optional(), message })),
  engine: z.unknown(),
  book: z.string(),
  queue: z.object({ next: z.number(), orders: z.array(z.tuple([z.string(), tapeOrder])) }).optional(),
  arrived: z.array(z.tuple([z.int(), orderRow])),
});

const history = z.object({ ended: z.array(orderRow), fills: z.array(fillRow) });

/** What has ended, from one place of a ledger to another. */
export type History = z.infer<typeof history>;

/** As text; compressing it is left for later. */
export function checkpointText(state: ReplayState, ledger: Ledger): string {
  const { arrivals, unheard, queue, ...rest } = state;
  const found: z.input<typeof checkpoint> = {
    ...rest,
    arrivals: arrivals.map(String),
    unheard: unheard.map(({ heardNs, from, after, message: what }) => ({
      heardNs: `${heardNs}`,
      from,
      after: after === undefined ? undefined : `${after}`,
      message: what,
    })),
    queue: queue && { next: queue.next, orders: [...queue.orders].map(([id, order]) => [id, order]) },
    arrived: [...ledger.arrived].map(([number, entry]) => [number, rowOfOrder(entry)]),
  };
  return JSON.stringify(found);
}

/** What had ended from the given places on, as text. */
export function historyText({ ended, fills }: Ledger, from: { ended: number; fills: number }): string {
  const found: History = {
    ended: ended.slice(from.ended).map(rowOfOrder),
    fills: fills.slice(from.fills).map(rowOfFill),
  };
  return JSON.stringify(found);
}

export async function packed(text: string): Promise<Buffer> {
  return compress(text);
}

/** Rejects if it is broken. */
export async function readHistory(bytes: Buffer): Promise<History> {
  return history.parse(await parsed(bytes));
}

/**
 * A replay's state and ledger. Rejects if something is broken.
 *
 * @param find what was sent
 */
export async function readCheckpoint(
  bytes: Buffer,
  { ended, fills }: History,
  find: FindSent,
): Promise<{ state: ReplayState; ledger: LedgerState }> {
  const { arrivals, unheard, queue, arrived, ...rest } = checkpoint.parse(await parsed(bytes));
  const orders = ended.map((row) => outcomeOfRow(row, find));
  const own = new Map(orders.flatMap(({ id, own: of }) => (of === undefined ? [] : [[id, of] as const])));
  const orderOf = (id: string) => {
    const ofVenue = own.get(id);
    return find(id)?.order ?? (ofVenue && { side: ofVenue.side, clientOrderId: undefined });
  };
  return {
    state: {
      ...rest,
      arrivals: arrivals.map(BigInt),
      unheard: unheard.map(({ heardNs, from, after, message: what }) => ({
        heardNs: BigInt(heardNs),
        from,
        after: after === undefined ? undefined : BigInt(after),
        message: what,
      })),
      queue,
    },
    ledger: {
      ended: orders,
      arrived: arrived.map(([number, row]) => [number, outcomeOfRow(row, find)]),
      fills: fills.map((row) => fillOfRow(row, orderOf)),
    },
  };
}

async function parsed(bytes: Buffer): Promise<unknown> {
  return JSON.parse((await decompress(bytes)).toString());
}
