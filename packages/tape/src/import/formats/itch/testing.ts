/** Writes files of ITCH 5.0 as Nasdaq's specification describes them, for tests: it shares no code with the importer. */

export type ItchMessage = { readonly stock?: string; readonly ns: number } & (
  | { readonly kind: "S"; readonly event: "O" | "S" | "Q" | "M" | "E" | "C" }
  | { readonly kind: "R" }
  | { readonly kind: "H"; readonly state: "H" | "P" | "Q" | "T"; readonly reason?: string }
  | {
      readonly kind: "A" | "F";
      readonly id: bigint;
      readonly side: "B" | "S";
      readonly shares: number;
      readonly price: number;
    }
  | { readonly kind: "E"; readonly id: bigint; readonly shares: number; readonly match: bigint }
  | {
      readonly kind: "C";
      readonly id: bigint;
      readonly shares: number;
      readonly match: bigint;
      readonly printed: boolean;
      readonly price: number;
    }
  | { readonly kind: "X"; readonly id: bigint; readonly shares: number }
  | { readonly kind: "D"; readonly id: bigint }
  | { readonly kind: "U"; readonly id: bigint; readonly next: bigint; readonly shares: number; readonly price: number }
  | { readonly kind: "P"; readonly shares: number; readonly price: number; readonly match: bigint }
  | { readonly kind: "Q"; readonly shares: bigint; readonly price: number; readonly match: bigint }
  | { readonly kind: "B"; readonly match: bigint }
  | { readonly kind: "Y" | "L" }
);

/** Prices are in units of 0.0001, times in nanoseconds after midnight in New York. */
export function itchOf(messages: readonly ItchMessage[]): Uint8Array {
  const stocks = [...new Set(messages.flatMap(({ stock }) => (stock === undefined ? [] : [stock])))];
  return Buffer.concat(
    messages.map((message) => {
      const { stock = "", ns, kind } = message;
      const locate = kind === "S" ? 0 : stocks.indexOf(stock) + 1;
      const common = [text(kind, 1), unsigned(locate, 2), unsigned(0, 2), unsigned(ns, 6)];
      const body = Buffer.concat([...common, ...fieldsOf(message, stock)]);
      return Buffer.concat([unsigned(body.length, 2), body]);
    }),
  );
}

function fieldsOf(message: ItchMessage, stock: string): Uint8Array[] {
  const name = text(stock, 8);
  switch (message.kind) {
    case "S":
      return [text(message.event, 1)];
    case "R":
      return [name, text("QN", 2), unsigned(100, 4), text("NCZ PNN1N", 9), unsigned(0, 4), text("N", 1)];
    case "H":
      return [name, text(message.state, 1), text("", 1), text(message.reason ?? "", 4)];
    case "A":
    case "F": {
      const { id, side, shares, price, kind } = message;
      const order = [unsigned(id, 8), text(side, 1), unsigned(shares, 4), name, unsigned(price, 4)];
      return kind === "F" ? [...order, text("GSCO", 4)] : order;
    }
    case "E":
      return [unsigned(message.id, 8), unsigned(message.shares, 4), unsigned(message.match, 8)];
    case "C": {
      const { id, shares, match, printed, price } = message;
      return [
        unsigned(id, 8),
        unsigned(shares, 4),
        unsigned(match, 8),
        text(printed ? "Y" : "N", 1),
        unsigned(price, 4),
      ];
    }
    case "X":
      return [unsigned(message.id, 8), unsigned(message.shares, 4)];
    case "D":
      return [unsigned(message.id, 8)];
    case "U":
      return [
        unsigned(message.id, 8),
        unsigned(message.next, 8),
        unsigned(message.shares, 4),
        unsigned(message.price, 4),
      ];
    case "P": {
      const { shares, price, match } = message;
      return [unsigned(0, 8), text("B", 1), unsigned(shares, 4), name, unsigned(price, 4), unsigned(match, 8)];
    }
    case "Q": {
      const { shares, price, match } = message;
      return [unsigned(shares, 8), name, unsigned(price, 4), unsigned(match, 8), text("O", 1)];
    }
    case "B":
      return [unsigned(message.match, 8)];
    case "Y":
      return [name, text("0", 1)];
    case "L":
      return [text("GSCO", 4), name, text("YNA", 3)];
  }
}

/** Big endian. */
function unsigned(value: number | bigint, length: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes.subarray(8 - length);
}

function text(value: string, length: number): Uint8Array {
  return Buffer.from(value.padEnd(length), "latin1");
}

/** Half past nine, when the market opens. */
export const openNs = 34_200e9;

/** Orders of some stocks, `count` messages of all kinds that change a book or are trades, some milliseconds apart. */
export function someItch(count: number, stocks: readonly string[] = ["AAPL", "MSFT"]): ItchMessage[] {
  const random = numbersFrom(11);
  const resting = new Map<string, Map<bigint, { side: "B" | "S"; shares: number }>>();
  for (const stock of stocks) resting.set(stock, new Map());
  let id = 1n;
  let match = 1n;
  const pick = <T>(values: readonly T[]): T | undefined => values[Math.floor(random() * values.length)];
  const price = (side: "B" | "S") => 1_000_000 + (side === "B" ? -100 : 100) * (1 + Math.floor(random() * 30));
  const messages: ItchMessage[] = [{ kind: "S", event: "O", ns: 11_000e9 }];
  for (const stock of stocks)
    messages.push({ kind: "R", stock, ns: 11_100e9 }, { kind: "H", stock, state: "T", ns: 11_200e9 });
  for (let n = 0; n < count; n++) {
    const ns = openNs + n * 7_000_003;
    const stock = pick(stocks) ?? "AAPL";
    const orders = resting.get(stock) ?? new Map();
    const [known, order] = pick([...orders]) ?? [];
    const chance = random();
    const shares = 1 + Math.floor(random() * 500);
    if (known === undefined || order === undefined || orders.size < 8 || (chance < 0.4 && orders.size < 300)) {
      const side = random() < 0.5 ? "B" : "S";
      orders.set(id, { side, shares });
      messages.push({ kind: random() < 0.2 ? "F" : "A", stock, ns, id: id++, side, shares, price: price(side) });
    } else if (chance < 0.5) {
      orders.delete(known);
      orders.set(id, { side: order.side, shares });
      messages.push({ kind: "U", stock, ns, id: known, next: id++, shares, price: price(order.side) });
    } else if (chance < 0.6) {
      orders.delete(known);
      messages.push({ kind: "D", stock, ns, id: known });
    } else if (chance < 0.95) {
      const part = Math.min(order.shares, shares);
      if (part === order.shares) orders.delete(known);
      else orders.set(known, { ...order, shares: order.shares - part });
      const what = { stock, ns, id: known, shares: part };
      if (chance < 0.7) messages.push({ kind: "X", ...what });
      else if (chance < 0.9) messages.push({ kind: "E", ...what, match: match++ });
      else messages.push({ kind: "C", ...what, match: match++, printed: chance < 0.93, price: 1_000_050 });
    } else messages.push({ kind: "P", stock, ns, shares, price: 1_000_025, match: match++ });
  }
  return messages;
}

/** Numbers from 0 to 1, always the same for the same seed. */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
