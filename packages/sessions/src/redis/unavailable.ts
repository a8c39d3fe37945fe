import { RefusedError, refuse } from "@tapedeck/protocol";
import { RedisUnavailable } from "@tapedeck/runtime";

/** Error replies of a Redis that cannot serve now, but may soon, or once an operator has fixed the cause. */
const transientErrors =
  /^(NOAUTH|WRONGPASS|NOPERM|DENIED|LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|OOM|NOREPLICAS|BUSY|MISCONF|UNBLOCKED)\b/;

/** Turns an error of an unavailable Redis into the refusal `UNAVAILABLE`; returns any other error as it is. */
export function asUnavailable(error: unknown): unknown {
  if (error instanceof RefusedError || !isAway(error)) return error;
  const message = isFull(error)
    ? "Redis is out of memory and refuses writes. Nothing was changed."
    : "Redis is not available. Try again in a second.";
  return new RefusedError(refuse("UNAVAILABLE", message), { cause: error, retryAfter: 1 });
}

/** Awaits a reply of Redis, and rejects with `UNAVAILABLE` if Redis is away. */
export async function orUnavailable<T>(reply: Promise<T>): Promise<T> {
  try {
    return await reply;
  } catch (error) {
    throw asUnavailable(error);
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("OOM");
}

function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // Error replies are checked by their code; all other errors come from the connection.
  if (error.name === "ReplyError") return transientErrors.test(error.message);
  return (
    error.name === "MaxRetriesPerRequestError" ||
    error.name === "AbortError" ||
    error instanceof RedisUnavailable ||
    error.name === "ClusterAllFailedError" ||
    ("code" in error && typeof error.code === "string") ||
    /connection is closed|isn't (writeable|ready)|timed? ?out|connection (lost|ended)|socket closed|cluster|startup nodes/i.test(
      error.message,
    )
  );
}
