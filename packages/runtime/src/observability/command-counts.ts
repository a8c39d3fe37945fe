import { Counter } from "prom-client";
import type { Metrics } from "./metrics.js";

/** @param result `done`, or the code of the refusal */
export type CountCommand = (command: string, result: string) => void;

/** Counts users' commands by what became of them; apis and gateways alike, since both are doors to the same deck. */
export function createCommandCounter({ registry }: Metrics): CountCommand {
  const counter = new Counter({
    name: "tapedeck_commands_total",
    help: "Commands of users, by command and result: done, or the code of the refusal",
    labelNames: ["command", "result"],
    registers: [registry],
  });
  return (command, result) => counter.inc({ command, result });
}
