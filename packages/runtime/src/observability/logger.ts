import pino from "pino";
import { printable, printableLines } from "./printable.js";
import { redactText } from "./redact.js";

export type Logger = pino.Logger;

/** Levels in rising order of silence; `silent` writes nothing. */
export type LogLevel = pino.LevelWithSilent;

export interface LoggerOptions {
  readonly service: string;
  readonly node: string;
  readonly level: LogLevel;
}

/** Fields that must not reach a log, wherever an object that is logged has them. ioredis's errors bring what was sent, as in HELLO. */
const secrets = ["token", "authorization", "cookie", "password", "secret", "command.args"].flatMap((name) => [
  name,
  `*.${name}`,
  `*.*.${name}`,
]);

/** Without the errors of earlier connections, each with the command that it failed by: they say nothing that their own lines did not. */
const errorFields = pino.stdSerializers.wrapErrorSerializer((error) =>
  Object.assign(error, { previousErrors: undefined, lastNodeError: undefined }),
);

/** Images go without it: there lines are JSON on a terminal, too. */
const pretty = process.stdout.isTTY ? await import("pino-pretty").catch(() => undefined) : undefined;

/** What pino calls 50. */
const errorLevel = 50;
let errors = 0;

/** Lines that this process has logged as errors since its start: what its heartbeat and its metrics tell of it. */
export function errorsLogged(): number {
  return errors;
}

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
    serializers: { err: errorFields },
    formatters: { level: (label) => ({ level: label }) },
    hooks: {
      logMethod(args, method, levelOfLine) {
        if (levelOfLine >= errorLevel) errors++;
        method.apply(this, args);
      },
      streamWrite: redactText,
    },
  };
  return pino(options, pretty === undefined ? asJson() : asText(pretty.default));
}

/** People look at these lines too (`tail`, `docker logs`), and JSON leaves a terminal's newer controls as they are. */
function asJson(): pino.DestinationStream {
  const out = pino.destination({ dest: 1, sync: true });
  return { write: (line) => void out.write(`${printable(line.trimEnd())}\n`) };
}

function asText(prettyOf: NonNullable<typeof pretty>["default"]): pino.DestinationStream {
  const out = prettyOf({ sync: true, ignore: "service,node", messageFormat: "{node} {msg}" });
  const shown = (name: string, value: unknown) =>
    typeof value !== "string" ? value : name === "stack" ? printableLines(value) : printable(value);
  return { write: (line) => void out.write(`${JSON.stringify(JSON.parse(line, shown))}\n`) };
}
