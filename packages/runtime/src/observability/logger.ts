import pino from "pino";
import { printable, printableLines, redactText } from "./safe-text.js";

export type Logger = pino.Logger;

/** From most to least verbose; `silent` writes nothing. */
export type LogLevel = pino.LevelWithSilent;

interface LoggerOptions {
  readonly service: string;
  readonly node: string;
  readonly level: LogLevel;
}

/** Fields that must not reach a log, at the first levels of any logged object. ioredis's errors carry the command's arguments, as of HELLO. */
const secrets = ["token", "authorization", "cookie", "password", "secret", "command.args"].flatMap((name) => [
  name,
  `*.${name}`,
  `*.*.${name}`,
]);

/** Drops the errors of earlier connections, with the commands that failed: each of them has its own log line. */
const errorFields = pino.stdSerializers.wrapErrorSerializer((error) =>
  Object.assign(error, { previousErrors: undefined, lastNodeError: undefined }),
);

/** Images do not contain it: there, lines are JSON even on a terminal. */
const pretty = process.stdout.isTTY ? await import("pino-pretty").catch(() => undefined) : undefined;

/** pino's number for the level `error`. */
const errorLevel = 50;
let errors = 0;

/** Lines that this process has logged as errors since its start, for its heartbeat and metrics. */
export function errorsLogged(): number {
  return errors;
}

/**
 * The log of one process: JSON lines with service and node, or readable lines on a terminal. For lines about one session use
 * `log.child({ session: id })`.
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
  return pino(options, pretty === undefined ? jsonStream() : textStream(pretty.default));
}

/** People read these lines too (`tail`, `docker logs`), and JSON does not escape every control character. */
function jsonStream(): pino.DestinationStream {
  const out = pino.destination({ dest: 1, sync: true });
  return { write: (line) => void out.write(`${printable(line.trimEnd())}\n`) };
}

function textStream(prettyOf: NonNullable<typeof pretty>["default"]): pino.DestinationStream {
  const out = prettyOf({ sync: true, ignore: "service,node", messageFormat: "{node} {msg}" });
  const shown = (name: string, value: unknown) =>
    typeof value !== "string" ? value : name === "stack" ? printableLines(value) : printable(value);
  return { write: (line) => void out.write(`${JSON.stringify(JSON.parse(line, shown))}\n`) };
}
