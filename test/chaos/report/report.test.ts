import { expect, test } from "vitest";
import { GoodSession, smallTape } from "../oracle/good-history.js";
import type { History } from "../oracle/history.js";
import { observe } from "../oracle/observations.js";
import { summaryOf } from "./analysis.js";
import { afterMs, type Incident } from "./incidents.js";
import { keyOf, Report } from "./report.js";
import { waitsOf } from "./stillness.js";

const tape = smallTape(400);
const tapes = new Map([[tape.id, tape]]);

/** A good session's frames come some milliseconds late. */
const jitterMs = 5;

function expectMs(text: string | undefined, ms: number): void {
  expect(Math.abs(Number(text) - ms), `${text} is about ${ms}`).toBeLessThan(jitterMs);
}

/** A session of 30 frames, ten a second, which stands still for `stillMs` after the tenth. */
function standing(stillMs: number): { history: History; at: number } {
  const session = new GoodSession(tape);
  session.play(30);
  const frames = session.events.filter(({ kind }) => kind === "frame");
  const at = frames[20]?.at ?? 0; // two viewers get each frame
  const events = session.events.map((event) => (event.at >= at ? { ...event, at: event.at + stillMs } : event));
  return { history: { ...session.history, events }, at };
}

function incident(at: number, given: Partial<Incident> = {}): Incident {
  const shape = { name: "ticker SIGKILL", targetMs: 300, from: at - 50, to: at + 100, replacedAt: undefined };
  return { ...shape, affected: new Set<string>(), recorded: new Set<string>(), alone: true, ...given };
}

function rowOf(report: Report, name: string): string[] {
  const row = report
    .table()
    .split("\n")
    .find((line) => line.startsWith(`| ${name} |`));
  return row?.split("|").map((cell) => cell.trim()) ?? [];
}

test("[F84] stillness is what a viewer waits beyond what tape and speed make it wait", () => {
  const [first, second] = waitsOf(observe(standing(0).history), tapes).map((waits) => waits.map(({ ms }) => ms));
  expect(Math.max(...(first ?? []))).toBeLessThan(5);
  expect(second?.length).toBeGreaterThan(25);
  const late = waitsOf(observe(standing(420).history), tapes).map((waits) => Math.max(...waits.map(({ ms }) => ms)));
  for (const ms of late) expectMs(`${ms}`, 420);
});

test("[F84] a row counts the viewers whose frames depended on what failed; the others and faults at the same time are apart", () => {
  const { history, at } = standing(420);
  const observed = observe(history);
  const [one = "", two = ""] = observed.viewers.map(({ viewer }) => keyOf(observed.session, viewer));
  const report = new Report();
  const alone = incident(at, { affected: new Set([one]), recorded: new Set([one]) });
  const beside = incident(at, { name: "api SIGKILL", targetMs: undefined, affected: new Set([two]), alone: false });
  for (const each of [alone, beside]) report.count(each);
  report.add(summaryOf(observed, tapes), [alone, beside], []);
  const [, , count, viewers, p50, p99, max, target, met, recorded, others, overlapped] = rowOf(
    report,
    "ticker SIGKILL",
  );
  expect([count, viewers, target, met, overlapped]).toEqual(["1", "1", "300", "**no**", "0"]);
  for (const figure of [p50, p99, max, recorded, others]) expectMs(figure, 420);
  const [besides, besideViewers, besideP99] = rowOf(report, "api SIGKILL").slice(-5, -1);
  expect([besides, besideViewers]).toEqual(["1", "1"]);
  expectMs(besideP99, 420);
  expect(report.faults).toBe(2);
});

test("[F84] what a viewer waits after a Redis master has been replaced counts from its replacement", () => {
  const { history, at } = standing(2_420);
  const observed = observe(history);
  const affected = new Set(observed.viewers.map(({ viewer }) => keyOf(observed.session, viewer)));
  const replaced = { name: "Redis master killed", replacedAt: at + 2_200, to: at + 2_600, affected };
  const failed = incident(at, replaced);
  const report = new Report();
  report.count(failed);
  report.add(summaryOf(observed, tapes), [failed], []);
  const [, name, count, replacedAfter, , viewers, p50, p99, , target, met, inAll] = rowOf(
    report,
    "Redis master killed",
  );
  expect([name, count, replacedAfter, viewers, target, met]).toEqual(
    ["Redis master killed", 1, 2_250, 2, 300, "yes"].map(String),
  );
  for (const figure of [p50, p99]) expectMs(figure, 220);
  expectMs(inAll, 2_420);
});

test("[F84] spans without any fault have a row of their own, which says what the machine itself does", () => {
  const { history, at } = standing(70);
  const report = new Report();
  report.add(summaryOf(observe(history), tapes), [incident(at - afterMs - 10_000)], [{ from: at - 300, to: at + 300 }]);
  const [viewers, ...figures] = rowOf(report, "none (between faults)").slice(3, 7);
  expect(viewers).toBe("2");
  for (const figure of figures) expectMs(figure, 70);
});
