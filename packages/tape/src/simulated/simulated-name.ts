import { analyticsVersion, parseScenario, scenarioText } from "@tapedeck/market";

/** What a simulated tape is made of: all of it is in its id, so that any node opens it without a file. */
export interface SimulatedName {
  /** Of the generator; raised with every change of what it makes. */
  readonly generator: number;
  readonly symbol: string;
  readonly seed: string;
  /** As `scenarioText` writes it. */
  readonly scenario: string;
  /** Of the analytics in its frames: the version of the tape. */
  readonly version: number;
}

/** Ids of simulated tapes begin so: `sim1.BTCUSDT.42.layering.spoofing-high@1`. */
const pattern =
  /^sim([1-9]\d{0,3})\.([A-Za-z0-9_-]{1,20})\.([A-Za-z0-9_-]{1,24})\.([a-z_.-]{1,60})(?:@([1-9]\d{0,8}))?$/;

export const currentGenerator = 1;

/** What can stand in the id of a simulated tape. */
export const simulatedSymbol = /^[A-Za-z0-9_-]{1,20}$/;
export const simulatedSeed = /^[A-Za-z0-9_-]{1,24}$/;
export const longestScenario = 60;

/** Takes the name of a simulated tape apart; undefined for any other text. Without a version it is the newest. */
export function parseSimulatedName(text: string): SimulatedName | undefined {
  const [, generator, symbol = "", seed = "", written = "", version] = pattern.exec(text) ?? [];
  if (generator === undefined) return undefined;
  const stagings = parseScenario(written.replaceAll("-", ":").replaceAll(".", ","));
  // One market has one name.
  if (stagings === undefined || writtenScenario(scenarioText(stagings)) !== written) return undefined;
  return {
    generator: Number(generator),
    symbol,
    seed,
    scenario: scenarioText(stagings),
    version: version === undefined ? analyticsVersion : Number(version),
  };
}

/** The id without a version. Throws `RangeError` where a part cannot stand in one. */
export function simulatedId({ generator, symbol, seed, scenario }: Omit<SimulatedName, "version">): string {
  const id = `sim${generator}.${symbol}.${seed}.${writtenScenario(scenario)}`;
  if (!pattern.test(id)) throw new RangeError(`${id} names no simulated tape`);
  return id;
}

/** Ids of tapes have neither `:` nor `,`. */
export function writtenScenario(scenario: string): string {
  return scenario.replaceAll(":", "-").replaceAll(",", ".");
}
