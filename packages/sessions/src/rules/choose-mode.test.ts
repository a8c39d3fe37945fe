import { isRefusal } from "@tapedeck/protocol";
import { describe, expect, test } from "vitest";
import { applyCommand, createdSession, expectAccepted, noon } from "../testing/apply-command.js";
import { shelf, steadyTape } from "../testing/synthetic-tape.js";
import { chooseMode } from "./choose-mode.js";
import type { SessionRecord } from "./record.js";

const tapes = shelf(steadyTape(100));
const asker = { session: "s", owner: "user u" };
const simulating = { mode: "SIMULATION" } as const;

async function chosen(request: Parameters<typeof chooseMode>[0], session?: SessionRecord) {
  const mode = await chooseMode(request, session, tapes, asker);
  if (isRefusal(mode)) throw new Error(mode.message);
  return "begins" in mode ? mode.begins : mode.resumes;
}

describe("[D48] SIMULATION plays a market that symbol, seed and scenario fix", () => {
  test("which any node opens by its tape's name, at once", async () => {
    const request = { ...simulating, symbol: "ETHUSDT", seed: 7, scenario: "spoofing:high,calm,layering" };
    expect(await chosen(request)).toEqual({
      symbol: "ETHUSDT",
      source: "SIMULATION",
      seed: "7",
      scenario: "layering,spoofing:high",
      tape: expect.stringMatching(/^sim2\.ETHUSDT\.7\.layering\.spoofing-high@\d+$/),
      start: { seq: 0, ns: 0 },
      feed: null,
    });
  });

  test("calm, of BTCUSDT, with a seed drawn for it where none is named", async () => {
    const [one, other] = [await chosen(simulating), await chosen(simulating)];
    expect(one.tape.split("@")[0]).toBe(`sim2.BTCUSDT.${one.seed}.calm`);
    expect(one.seed).toMatch(/^\d{1,10}$/);
    expect(other.seed).not.toBe(one.seed);
  });

  test("and of which a new one keeps what the request leaves out", async () => {
    const before = await createdSession(tapes, { ...simulating, seed: "mine", scenario: "mixed" });
    expect((await chosen({ ...simulating, scenario: "calm" }, before)).tape).toMatch(/^sim2\.BTCUSDT\.mine\.calm@/);
    const away = expectAccepted(await applyCommand(before, { type: "mode", mode: "REPLAY" }, noon, tapes));
    expect((await chosen({ ...simulating, symbol: "ETHUSDT" }, away)).tape).toMatch(/^sim2\.ETHUSDT\.mine\.mixed@/);
  });

  test.each([
    [{ scenario: "chaos" }, /^There is no scenario chaos\. Known are calm, mixed, honest, spoofing, layering/],
    [{ seed: "a b" }, /^A simulated market's seed has 1 to 24 characters/],
    [{ symbol: "BTC/USDT" }, /^A simulated market's symbol has 1 to 20 characters/],
    [{ scenario: "spoofing:low,spoofing:high,layering:low,layering:high,news:low" }, /names too many kinds/],
  ])("%j is refused with what would be right", async (request, message) => {
    const refusal = await chooseMode({ ...simulating, ...request }, undefined, tapes, asker);
    expect(refusal).toEqual({ refused: "INVALID_VALUE", message: expect.stringMatching(message) });
  });
});
