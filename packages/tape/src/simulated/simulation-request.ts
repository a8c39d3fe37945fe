import { defaultScenario, parseScenario, scenarioNames, scenarioText } from "@tapedeck/market";
import { type Refusal, refuse } from "@tapedeck/protocol";
import {
  currentGenerator,
  maxScenarioLength,
  parseSimulatedName,
  scenarioInId,
  simulatedId,
  simulatedSeedPattern,
  simulatedSymbolPattern,
} from "./simulated-name.js";

interface SimulationRequest {
  readonly symbol: string;
  readonly seed: string;
  /** `calm` by default. */
  readonly scenario?: string | undefined;
}

/** The tape of a requested simulated market, `id@version`, with the scenario in its canonical form. */
export function simulatedTapeFor({
  symbol,
  seed,
  scenario = defaultScenario,
}: SimulationRequest): { readonly tape: string; readonly scenario: string } | Refusal {
  const stagings = parseScenario(scenario);
  if (stagings === undefined) {
    const known = `Known are ${scenarioNames.join(", ")}, alone or as a list, each with :low, :medium or :high if wanted.`;
    return refuse("INVALID_VALUE", `There is no scenario ${scenario}. ${known} Nothing was changed.`);
  }
  if (!simulatedSymbolPattern.test(symbol)) return unusable("symbol", symbol, 20);
  if (!simulatedSeedPattern.test(seed)) return unusable("seed", seed, 24);
  const text = scenarioText(stagings);
  if (scenarioInId(text).length > maxScenarioLength) {
    return refuse("INVALID_VALUE", `The scenario ${text} names too many kinds; mixed has all. Nothing was changed.`);
  }
  const id = simulatedId({ generator: currentGenerator, symbol: symbol.toUpperCase(), seed, scenario: text });
  const name = parseSimulatedName(id);
  if (name === undefined) throw new RangeError(`${id} cannot be simulated`);
  return { tape: `${id}@${name.version}`, scenario: text };
}

function unusable(what: string, value: string, most: number): Refusal {
  const rule = `A simulated market's ${what} has 1 to ${most} characters of A-Z, a-z, 0-9, _ and -.`;
  return refuse("INVALID_VALUE", `${rule} ${value} has not. Nothing was changed.`);
}
