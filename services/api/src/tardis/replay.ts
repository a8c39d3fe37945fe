import { setImmediate as others } from "node:timers/promises";
import type { NormalizedReplay } from "@tapedeck/protocol";
import type { Api } from "../api.js";
import type { Caller } from "../auth/caller.js";
import { findMarkets } from "./find-markets.js";
import { marketMessages, type TimedMessage } from "./market-messages.js";

export type Messages = AsyncGenerator<TimedMessage, void, undefined>;

/**
 * The messages of all markets that are wanted, in the order of their receipt, as JSON texts. They are read as they are taken. Fails as
 * `wanted` and `findMarkets` do before the first one, and as reading tapes does.
 */
export async function* replayedMessages(
  api: Api,
  caller: Caller,
  wanted: () => readonly NormalizedReplay[],
): AsyncGenerator<string, void, undefined> {
  const markets = await Promise.all(
    wanted().map(async (replay) => {
      const found = await findMarkets(api, caller, replay);
      return found.map((market) => marketMessages(market, replay));
    }),
  );
  for await (const { text } of inOrder(markets.flat())) yield text;
}

/** Merges messages by the time of their receipt; at equal times those of earlier markets come first. */
export async function* inOrder(markets: readonly Messages[]): Messages {
  const [only, ...more] = markets;
  if (only === undefined) return;
  if (more.length === 0) {
    yield* only;
    return;
  }
  try {
    const heads = (await Promise.all(markets.map(headOf))).filter(isPresent);
    for (;;) {
      const [first, ...rest] = heads;
      if (first === undefined) return;
      const earliest = rest.reduce(
        (least, head) => (head.message.localNs < least.message.localNs ? head : least),
        first,
      );
      yield earliest.message;
      const next = await earliest.messages.next();
      if (next.done) heads.splice(heads.indexOf(earliest), 1);
      else earliest.message = next.value;
    }
  } finally {
    await Promise.all(markets.map((messages) => messages.return()));
  }
}

interface Head {
  readonly messages: Messages;
  /** Its next one. */
  message: TimedMessage;
}

async function headOf(messages: Messages): Promise<Head | undefined> {
  const { done, value: message } = await messages.next();
  return done ? undefined : { messages, message };
}

function isPresent(head: Head | undefined): head is Head {
  return head !== undefined;
}

/** Characters of lines that are sent at once. */
const pieceLength = 64 * 1024;

/** Texts as lines, many at once. */
export async function* linesOf(
  texts: AsyncGenerator<string, void, undefined>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let lines = "";
  for await (const text of texts) {
    lines += `${text}\n`;
    if (lines.length < pieceLength) continue;
    yield Buffer.from(lines);
    lines = "";
    await others(); // a client that reads quickly would leave no time for other requests
  }
  if (lines !== "") yield Buffer.from(lines);
}
