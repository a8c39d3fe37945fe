import { balancesOff } from "./balances.js";
import { exact } from "./exact.js";
import type { BotHistory, Fill, Listening, Trading, Truth } from "./history.js";

/** What a session whose market stands still breaks of the rules of bots: a sentence each; none if all is well. Pure. */
export function check(history: BotHistory, truth: Truth): string[] {
  return [
    ...ordersOff(history, truth),
    ...history.listenings.flatMap((listening) => toldOff(listening, truth)),
    ...["venue", "SDK"].flatMap((client) => {
      const last = history.listenings.findLast((each) => each.client === client);
      return last === undefined ? [] : behind(last, truth.now);
    }),
    ...[truth.now, ...truth.branches].flatMap((trading) => balancesOff(trading, history.start, truth.decimals)),
  ].map((sentence) => `${history.session}: ${sentence}`);
}

/** Each acknowledged order is in the log once; one without an answer once or not at all; a refused one never. */
function ordersOff({ sent }: BotHistory, { log }: Truth): string[] {
  const counts = new Map<string, number>();
  for (const name of log) counts.set(name, (counts.get(name) ?? 0) + 1);
  const strange = [...counts.keys()].filter((name) => !sent.has(name));
  const wrong = [...sent].flatMap(([name, outcome]) => {
    const count = counts.get(name) ?? 0;
    const allowed = { acknowledged: [1], refused: [0], unknown: [0, 1] }[outcome];
    return allowed.includes(count) ? [] : [`[TR81] order ${name}, ${outcome}, is in the log ${count} times`];
  });
  return [...wrong, ...strange.map((name) => `[TR81] order ${name} is in the log and was never sent`)];
}

/** Nothing is told twice, nothing is left out, and what is told is what happened in that epoch. */
function toldOff(listening: Listening, truth: Truth): string[] {
  const { client, epoch, fills, before } = listening;
  const where = `${client}, epoch ${epoch}`;
  const found: string[] = [];
  // Trades have consecutive ids within an epoch.
  for (const [nth, { id }] of fills.entries()) {
    const last = fills[nth - 1];
    if (last !== undefined && Number(id) !== Number(last.id) + 1)
      found.push(`[TR82] ${where}: fill ${id} was told after fill ${last.id}`);
  }
  const [first] = fills;
  const lastBefore = Number(before?.fills.at(-1)?.id ?? 0);
  if (before !== undefined && first !== undefined && Number(first.id) > lastBefore + 1)
    found.push(`[TR82] ${where}: fills ${lastBefore + 1} to ${Number(first.id) - 1} were not told`);
  const twice = listening.orders.filter(({ text }, nth, all) => all.findIndex((each) => each.text === text) !== nth);
  for (const { text } of twice) found.push(`[TR82] ${where}: told twice: ${text}`);
  const trading = [truth.now, ...truth.branches].find((each) => each.epoch === epoch);
  if (trading !== undefined) {
    const known = new Map([...trading.fills, ...(trading.later ?? [])].map((fill) => [fill.id, fill]));
    for (const fill of [...(before?.fills ?? []), ...fills]) {
      const real = known.get(fill.id);
      if (real === undefined) found.push(`[TR82] ${where}: fill ${fill.id} never happened`);
      else if (!same(fill, real)) found.push(`[TR82] ${where}: ${JSON.stringify(fill)} was ${JSON.stringify(real)}`);
    }
  }
  return found;
}

/** What the client, which still listens, does not know of what is. */
function behind({ client, epoch, before, fills, orders }: Listening, now: Trading): string[] {
  if (epoch !== now.epoch || before === undefined) return [`[TR83] ${client}: is not back in epoch ${now.epoch}`];
  const known = new Set([...before.fills, ...fills].map(({ id }) => id));
  const lost = now.fills.filter(({ id }) => !known.has(id)).map(({ id }) => id);
  const found = lost.length > 0 ? [`[TR82] ${client}: fills ${lost.join(", ")} were lost`] : [];
  for (const { order, status, filled, refused } of now.orders) {
    if (status === "PENDING" || (refused === true && client === "venue")) continue;
    const last = orders.findLast((change) => change.order === order) ?? before.orders.get(order);
    if (last === undefined) found.push(`[TR82] ${client}: order ${order}, ${status}, was lost`);
    else if (last.status !== status || exact(last.filled) !== exact(filled))
      found.push(
        `[TR82] ${client}: order ${order} is ${status} ${filled} and was told as ${last.status} ${last.filled}`,
      );
  }
  return found;
}

function same(a: Fill, b: Fill): boolean {
  const numbers = (fill: Fill) => [fill.price, fill.amount, fill.fee].map(exact);
  return a.order === b.order && a.side === b.side && numbers(a).every((number, nth) => number === numbers(b)[nth]);
}
