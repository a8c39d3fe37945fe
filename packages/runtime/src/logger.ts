import pino from "pino";
import pretty from "pino-pretty";

export type Logger = pino.Logger;

/** Levels in rising order of silence; `silent` writes nothing. */
export type LogLevel = pino.LevelWithSilent;

export interface LoggerOptions {
  readonly service: string;
  readonly node: string;
  readonly level: LogLevel;
}

/** Fields that must not reach a log, wherever an object that is logged has them. */
const secrets = ["token", "authorization", "cookie", "password", "secret"].flatMap((name) => [
  name,
  `*.${name}`,
  `*.*.${name}`,
]);

/**
 * The log of one process: JSON lines with service and node on each, or readable lines where a person looks at a terminal.
 * Add the session to what concerns one: `log.child({ session: id })`.
 */
export function createLogger({ service, node, level }: LoggerOptions): Logger {
  const options: pino.LoggerOptions = {
    level,
    base: { service, node },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: secrets, censor: "(not shown)" },
    formatters: { level: (label) => ({ level: label }) },
  };
  if (!process.stdout.isTTY) return pino(options);
  return pino(options, pretty({ sync: true, ignore: "service,node", messageFormat: "{node} {msg}" }));
}
