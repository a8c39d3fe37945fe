import type { Redis } from "ioredis";

/**
 * In protected mode Redis explains itself in a long text, in which ioredis finds "no password is set": it takes that for the answer of a
 * Redis without passwords and writes a warning of its own to the console at each attempt. The first words say what there is to know.
 */
export function shortenDeniedError(redis: Pick<Redis, "sendCommand" | "duplicate">): void {
  shortenOn(redis);
  const duplicate = redis.duplicate.bind(redis);
  redis.duplicate = (override) => {
    const copy = duplicate(override);
    shortenOn(copy);
    return copy;
  };
}

function shortenOn(redis: Pick<Redis, "sendCommand">): void {
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (command, stream) => {
    if (command.name === "hello" || command.name === "auth") {
      const reject = command.reject.bind(command);
      command.reject = (error) => {
        if (error.message.startsWith("DENIED")) error.message = "DENIED Redis is running in protected mode";
        reject(error);
      };
    }
    return send(command, stream);
  };
}
