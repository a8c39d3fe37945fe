import { type FrameMoment, type IncidentLabel, profiles, segmentMs } from "@tapedeck/market";
import { momentsOf } from "./play-scenario.js";

const asked = profiles.relative;
const seconds = (ns: number) => (ns / 1e9).toFixed(1);

/** What the frames show of an incident that was not found, beside what an alert asks for. */
export function reasonOf(seed: number, scenario: string, label: IncidentLabel): string {
  const segment = Math.floor((label.fromNs / 1e6 + 100) / segmentMs);
  // As on the tape: all that detectors know is the minute before.
  const first = Math.max(0, segment - 1);
  const all = momentsOf(seed, scenario, first, segment - first + 1).map((moment) => ({
    ...moment,
    ns: moment.ns + first * segmentMs * 1e6,
  }));
  const past = all.filter(({ ns }) => ns < label.fromNs);
  const during = all.filter(({ ns }) => ns >= label.fromNs - 1e8 && ns <= label.toNs + 1e9);
  const best = sum(past, (moment) => levels(moment, label)[0]?.[1] ?? 0) / Math.max(1, past.length);
  return explain[label.kind]?.({ label, past, during, best }) ?? "";
}

interface Case {
  readonly label: IncidentLabel;
  readonly past: readonly FrameMoment[];
  readonly during: readonly FrameMoment[];
  /** Mean size of the best level of its side in the past. */
  readonly best: number;
}

const explain: Partial<Record<IncidentLabel["kind"], (found: Case) => string>> = {
  spoofing: (found) => {
    const { growth, times } = asked.spoofing;
    const shows = showsOf(found);
    const list = shows.map(({ ratio, ns, fate }) => `${ratio.toFixed(1)} for ${seconds(ns)} s (${fate})`).join(", ");
    return `orders of 2.5 mean best sizes or more, how long they showed, and what became of them: ${list || "none"}; asked for: ${times} of ${growth}, taken back`;
  },
  layering: (found) => {
    const { growth, levels: least, moved } = asked.layering;
    const walls = pairs(found.during).map(([before, now]) => ({
      now,
      prices: grown(found, before, now, growth * found.best),
    }));
    const most = largest(walls, ({ prices }) => prices.length);
    const wall = walls.find(({ prices }) => prices.length === most);
    const lost = wall?.prices.filter((price) => leavesTheView(found, price, wall.now)).length ?? 0;
    return (
      `${most} levels at most gained ${growth} mean best sizes in one frame, and the price left ${lost} of them beyond the ${shownLevels} levels that frames show before ` +
      `they went; asked for: ${least} that are seen to go together, while less than ${100 * moved} % of them comes elsewhere`
    );
  },
  quote_stuffing: ({ past, during }) => {
    const usual = sum(past, ({ updates }) => updates) / spanS(past);
    let rate = usual;
    const rates = during.map(({ updates }) => {
      rate = rate * Math.exp(-0.1) + updates;
      return rate / usual;
    });
    const { timesUsual, lastingS } = asked.stuffing;
    const over = rates.filter((times) => times > timesUsual).length / 10;
    return `the rate was ${largest(rates, (times) => times).toFixed(1)} times the usual one at most, and over ${timesUsual} times for ${over} s; asked for: ${lastingS} s`;
  },
  momentum_ignition: ({ label, past, during }) => {
    const { drift, force, shortestNs, longestNs, reverts, withinNs } = asked.ignition;
    const usual = usualMove(past);
    const height = ({ mid }: FrameMoment) => label.direction * mid;
    const top = Math.max(...during.map(height));
    const peak = during.findIndex((moment) => height(moment) === top);
    // It begins where the price was farthest behind a drift that is no push, up to 3 s before.
    const way = [...past.filter(({ ns }) => ns >= label.fromNs - 3e9), ...during.slice(0, peak)];
    const ahead = (moment: FrameMoment) => height(moment) - (drift * usual * moment.ns) / 1e9;
    const least = Math.min(...way.map(ahead));
    const start = way.findLastIndex((moment) => ahead(moment) === least);
    const push = [...way.slice(start), ...during.slice(peak, peak + 1)];
    const [from, to] = [push[0], push.at(-1)];
    if (from === undefined || to === undefined) return "";
    const trades = push.slice(1).flatMap((moment) => moment.trades);
    const along = trades.filter(({ side }) => side === (label.direction > 0 ? "buy" : "sell")).length;
    const share = along / Math.max(1, trades.length);
    const went = top - height(from);
    const squares = sum(pairs(push), ([before, now]) => (now.mid - before.mid) ** 2);
    const wobble = Math.sqrt(squares - went ** 2 / (push.length - 1) + usual ** 2);
    const times = went / usual;
    const lasted = to.ns - from.ns;
    const reached = share * Math.cbrt(times * (went / wobble) * (times / (lasted / 1e9)));
    const after = during.slice(peak);
    const back = after.find((moment) => top - height(moment) >= reverts * went);
    const lost =
      back === undefined
        ? `${((100 * (top - Math.min(...after.map(height)))) / went).toFixed(0)} % of it were lost`
        : `${100 * reverts} % of it were lost after ${seconds(back.ns - to.ns)} s`;
    return (
      `it went ${times.toFixed(1)} times the usual second's move in ${seconds(lasted)} s, ${(went / wobble).toFixed(1)} times its wobble, with ${(100 * share).toFixed(0)} % of the ` +
      `trades: a force of ${reached.toFixed(1)}; ${lost}; asked for: a force of ${force} in ${seconds(shortestNs)} to ${seconds(longestNs)} s, ${100 * reverts} % lost in ${seconds(withinNs)} s`
    );
  },
  wash_trading: ({ during }) => {
    const trades = during.flatMap((moment) => moment.trades.map((trade) => ({ ...trade, ns: moment.ns })));
    const { likeness, count, withinNs } = asked.wash;
    const most = largest(
      trades,
      (last) =>
        trades.filter(
          ({ price, size, ns }) =>
            price === last.price &&
            Math.abs(size - last.size) <= likeness * last.size &&
            Math.abs(ns - last.ns) < withinNs / 2,
        ).length,
    );
    const prices = new Set(trades.map(({ price }) => price)).size;
    return `${most} trades at most were of one size at one price, in ${prices} prices traded; asked for: ${count} that alternate`;
  },
  iceberg: ({ label, during }) => {
    const { fills, likeness } = asked.iceberg;
    const taker = label.side === "bid" ? "sell" : "buy";
    const trades = during.flatMap((moment) => moment.trades).filter(({ side }) => side === taker);
    const most = largest(
      trades,
      (one) =>
        trades.filter(({ price, size }) => price === one.price && Math.abs(size - one.size) <= likeness * one.size)
          .length,
    );
    return `${most} fills at most of one size at one price; asked for: ${fills} that the level does not lose`;
  },
  liquidity_gap: ({ label, during }) => {
    const within = during.filter(({ ns }) => ns <= label.toNs);
    const best = within.map((moment) => levels(moment, label)[0]?.[0] ?? 0);
    const moved = best.filter((price, at) => at > 0 && price !== best[at - 1]).length;
    return `the best price was another in ${moved} of ${within.length} frames, so the places behind it were seldom the same; asked for: evidence of ${asked.gapAlert.evidence} over ${asked.gapAlert.tauS} s of rest`;
  },
  flash_crash: ({ past, during }) => {
    const all = [...past, ...during];
    const moved = (moment: FrameMoment) => {
      const before = all.find(({ ns }) => ns >= moment.ns - 3e9);
      return Math.abs(moment.mid - (before?.mid ?? moment.mid)) / Math.sqrt(3);
    };
    const atFirst = largest(during, moved) / usualMove(past);
    const byThen = largest(during, (moment) => moved(moment) / usualMove(all.filter(({ ns }) => ns < moment.ns)));
    return `it moved ${atFirst.toFixed(1)} times in 3 s what had been usual before it, and ${byThen.toFixed(1)} times what was by then; asked for: 14 of the latter`;
  },
};

const levels = (moment: FrameMoment, { side }: IncidentLabel) => (side === "ask" ? moment.asks : moment.bids);

interface Show {
  readonly ratio: number;
  readonly ns: number;
  readonly fate: string;
}

/** Sizes that came to the best level in one frame, of its mean, how long most of them stayed, and how they went. */
function showsOf(found: Case): Show[] {
  const usual = found.best;
  const shows: Show[] = [];
  found.during.forEach((moment, at) => {
    const before = found.during[at - 1];
    const [price, size = 0] = levels(moment, found.label)[0] ?? [];
    if (before === undefined || price === undefined) return;
    const was = sizeAt(before, found.label, price);
    const came = size - was;
    if (came < 2.5 * usual) return;
    const goes = found.during.findIndex((next, n) => n >= at && sizeAt(next, found.label, price) - was < 0.3 * came);
    const later = found.during[goes];
    const fate = later === undefined ? "stayed" : fateOf(found, { price, came, since: moment, goes });
    shows.push({ ratio: came / usual, ns: (later?.ns ?? moment.ns) - moment.ns, fate });
  });
  return shows;
}

/** How an order went that had come to a price, by the rules that tell a spoof. */
function fateOf(
  found: Case,
  { price, came, since, goes }: { price: number; came: number; since: FrameMoment; goes: number },
): string {
  const { label, during } = found;
  const until = during.slice(0, goes + 1);
  const last = during[goes];
  const oneBefore = during[goes - 1];
  if (last === undefined || oneBefore === undefined) return "stayed";
  if (leavesTheView(found, price, since)) return "left behind";
  const traded = sum(
    until.flatMap(({ ns, trades }) => (ns > since.ns ? trades : [])).filter((trade) => trade.price === price),
    ({ size }) => size,
  );
  if (traded >= 0.2 * came) return "traded";
  if (last.ns - since.ns > asked.spoofing.withinNs) return "too late";
  if (sizeAt(oneBefore, label, price) - sizeAt(last, label, price) <= 0.6 * came) return "in parts";
  const soon = during.filter(({ ns }) => ns >= last.ns && ns < last.ns + 250e6);
  const elsewhere = largest(soon, (moment) => {
    const before = during[during.indexOf(moment) - 1] ?? moment;
    return largest(levels(moment, label), ([at, size]) => (at === price ? 0 : size - sizeAt(before, label, at)));
  });
  return elsewhere >= 0.3 * came ? `${(elsewhere / came).toFixed(1)} of it came elsewhere` : "taken back";
}

/** Prices at which so much came from one frame to the next. */
function grown({ label }: Case, before: FrameMoment, now: FrameMoment, least: number): number[] {
  return levels(now, label)
    .filter(([price, size]) => size - sizeAt(before, label, price) >= least)
    .map(([price]) => price);
}

const shownLevels = 20;

/** Whether a level that is there goes out of what frames show before it is seen to be gone. */
function leavesTheView({ label, during }: Case, price: number, since: FrameMoment): boolean {
  const size = sizeAt(since, label, price);
  for (const moment of during) {
    if (moment.ns <= since.ns || sizeAt(moment, label, price) > size / 2) continue;
    const shown = levels(moment, label);
    const last = shown.at(-1)?.[0] ?? price;
    return shown.length === shownLevels && (label.side === "ask" ? price > last : price < last);
  }
  return false;
}

function sizeAt(moment: FrameMoment, label: IncidentLabel, price: number): number {
  return levels(moment, label).find(([there]) => there === price)?.[1] ?? 0;
}

/** Root mean square of the mid's changes over whole seconds, by that of a normal variable with mean absolute value 1. */
function usualMove(past: readonly FrameMoment[]): number {
  const mids = past.filter((_, at) => at % 10 === 0).map(({ mid }) => mid);
  const squares = mids.slice(1).map((mid, at) => (mid - (mids[at] ?? mid)) ** 2);
  return Math.sqrt(sum(squares, (square) => square) / Math.max(1, squares.length)) / Math.sqrt(Math.PI / 2);
}

function pairs(moments: readonly FrameMoment[]): [FrameMoment, FrameMoment][] {
  return moments.slice(1).flatMap((now, at) => {
    const before = moments[at];
    return before === undefined ? [] : [[before, now] satisfies [FrameMoment, FrameMoment]];
  });
}

function spanS(moments: readonly FrameMoment[]): number {
  return Math.max(0.1, ((moments.at(-1)?.ns ?? 0) - (moments[0]?.ns ?? 0)) / 1e9);
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

function largest<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((most, item) => Math.max(most, of(item)), 0);
}
