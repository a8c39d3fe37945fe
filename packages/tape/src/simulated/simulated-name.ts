import { analyticsVersion, generatorVersion, parseScenario, scenarioText } from "@tapedeck/market";

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
  /** Where a session's user has given orders in it: which was the last, and of which session. */
  readonly fork?: Fork;
}

interface Fork {
  readonly session: string;
  /** 12 characters of 0-9 and a-f, never given twice: what it stands for never changes. */
  readonly order: string;
}

/** Ids of simulated tapes are such: `sim2.BTCUSDT.42.layering.spoofing-high@3`, `sim2.BTCUSDT.42.calm~0c5e49b1a2f7~SESSION@3`. */
const pattern =
  /^sim([1-9]\d{0,3})\.([A-Za-z0-9_-]{1,20})\.([A-Za-z0-9_-]{1,24})\.([a-z_.-]{1,60})(?:~([0-9a-f]{12})~([A-Za-z0-9_][A-Za-z0-9_.:-]{0,99}))?(?:@([1-9]\d{0,8}))?$/;

export const currentGenerator = generatorVersion;

/** Whether this release makes the frames of that tape: it has one generator and one version of the analytics. */
export function canGenerate({ generator, version }: SimulatedName): boolean {
  return generator === generatorVersion && version === analyticsVersion;
}

/** What can stand in the id of a simulated tape. */
export const simulatedSymbolPattern = /^[A-Za-z0-9_-]{1,20}$/;
export const simulatedSeedPattern = /^[A-Za-z0-9_-]{1,24}$/;
export const maxScenarioLength = 60;

/** Takes the name of a simulated tape apart; undefined for any other text. Without a version it means the current one. */
export function parseSimulatedName(text: string): SimulatedName | undefined {
  const [, number, symbol = "", seed = "", written = "", order, session = "", version] = pattern.exec(text) ?? [];
  if (number === undefined) return undefined;
  const generator = Number(number);
  const stagings = parseScenario(written.replaceAll("-", ":").replaceAll(".", ","));
  // One market has one name.
  if (stagings === undefined || scenarioInId(scenarioText(stagings)) !== written) return undefined;
  return {
    generator,
    symbol,
    seed,
    scenario: scenarioText(stagings),
    version: version === undefined ? analyticsVersion : Number(version),
    ...(order !== undefined && { fork: { order, session } }),
  };
}

/** The id without a version. Throws `RangeError` where a part cannot stand in one. */
export function simulatedId({ generator, symbol, seed, scenario, fork }: Omit<SimulatedName, "version">): string {
  const market = `sim${generator}.${symbol}.${seed}.${scenarioInId(scenario)}`;
  const id = fork === undefined ? market : `${market}~${fork.order}~${fork.session}`;
  if (!pattern.test(id)) throw new RangeError(`${id} names no simulated tape`);
  return id;
}

/** Ids of tapes have neither `:` nor `,`. */
export function scenarioInId(scenario: string): string {
  return scenario.replaceAll(":", "-").replaceAll(",", ".");
}
