import { SimulatedMarket } from "@tapedeck/market";
import { TapeNotFound } from "../errors.js";
import { canGenerate, type SimulatedName, simulatedId } from "./simulated-name.js";

/** Throws `TapeNotFound` for one that this release cannot generate. */
export function marketOf(name: SimulatedName): SimulatedMarket {
  if (!canGenerate(name)) throw new TapeNotFound(`${simulatedId(name)}@${name.version}`);
  return new SimulatedMarket(name);
}
