import type { SessionAccount, SessionFill, TradingSettings } from "@tapedeck/protocol";
import type { FrameLog } from "../../playback/frame-log";

/** An account as money and units: what it is worth at a price is `cash + position * price`, of spot and futures alike. */
export interface Holdings {
  readonly cash: number;
  readonly position: number;
}

export function holdingsOf(account: SessionAccount): Holdings {
  if (account.kind === "spot") return { cash: Number(account.quote), position: Number(account.base) };
  const position = Number(account.position);
  return { cash: Number(account.wallet) - position * Number(account.entry_price ?? 0), position };
}

/** Before the first order. */
export function startOf({ account }: TradingSettings): Holdings {
  if (account.kind === "spot") return { cash: Number(account.quote), position: Number(account.base) };
  return { cash: Number(account.wallet), position: 0 };
}

export function worthAt({ cash, position }: Holdings, price: number): number {
  return cash + position * price;
}

/** What trading brought: the worth now, less what the holdings at the start would be worth now. So a price that only rises is no profit of a spot account. */
export function profitAt(now: Holdings, start: Holdings, price: number): number {
  return worthAt(now, price) - worthAt(start, price);
}

export interface EquityPoint {
  readonly ms: number;
  /** In the quote currency. */
  readonly equity: number;
  readonly profit: number;
}

/** The holdings after a fill. */
export function afterFill({ cash, position }: Holdings, { side, price, amount, fee }: SessionFill): Holdings {
  const bought = side === "buy" ? Number(amount) : -Number(amount);
  return { cash: cash - bought * Number(price) - Number(fee), position: position + bought };
}

/** More points than a screen has columns show nothing more. */
const maxPoints = 600;

/**
 * Equity and profit over time: at each fill, and between fills at the mid prices of the frames that the page has. `fills` are oldest first, and
 * begin with the account's first.
 */
export function equityCurve(start: Holdings, fills: readonly SessionFill[], log: FrameLog): EquityPoint[] {
  const first = fills[0];
  if (first === undefined) return [];
  const points: EquityPoint[] = [];
  let now = start;
  const add = (ms: number, price: number) =>
    points.push({ ms, equity: worthAt(now, price), profit: profitAt(now, start, price) });
  const every = Math.max(1, Math.ceil(log.length / maxPoints));
  let index = log.indexAt(Date.parse(first.timestamp)) + 1;
  add(Date.parse(first.timestamp), Number(first.price));
  for (const fill of fills) {
    const ms = Date.parse(fill.timestamp);
    for (let logged = log.at(index); logged && logged.ms < ms; logged = log.at(index)) {
      add(logged.ms, logged.frame.mid_price);
      index += every;
    }
    now = afterFill(now, fill);
    add(ms, Number(fill.price));
  }
  for (let logged = log.at(index); logged; logged = log.at(index)) {
    add(logged.ms, logged.frame.mid_price);
    index += every;
  }
  const { last } = log;
  if (last && last.ms > (points.at(-1)?.ms ?? 0)) add(last.ms, last.frame.mid_price);
  return points;
}
