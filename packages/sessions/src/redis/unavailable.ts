import { RefusedError, refuse } from "@tapedeck/protocol";

/** Answers by which Redis says that it cannot serve now, but may soon, or when a person has mended what keeps it from it. */
const transientErrors =
  /^(NOAUTH|WRONGPASS|NOPERM|DENIED|LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|OOM|NOREPLICAS|BUSY|MISCONF|UNBLOCKED)\b/;

/** An error of Redis as a client may hear it: `UNAVAILABLE` where it is away, else the error itself. */
export function asUnavailable(error: unknown): unknown {
  if (error instanceof RefusedError || !isAway(error)) return error;
  const message = isFull(error)
    ? "Redis is out of memory and takes nothing new. Nothing was changed."
    : "Redis does not answer at the moment. Try again in a second.";
  return new RefusedError(refuse("UNAVAILABLE", message), { cause: error, retryAfter: 1 });
}

/** Waits for an answer of Redis; its absence becomes a refusal. */
export async function orUnavailable<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw asUnavailable(error);
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("OOM");
}

function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // Everything but an answer of Redis itself is the connection's doing.
  if (error.name === "ReplyError") return transientErrors.test(error.message);
  return (
    error.name === "MaxRetriesPerRequestError" ||
    error.name === "AbortError" ||
    error.name === "RedisAway" ||
    error.name === "ClusterAllFailedError" ||
    ("code" in error && typeof error.code === "string") ||
    /connection is closed|isn't (writeable|ready)|timed? ?out|connection (lost|ended)|socket closed|cluster|startup nodes/i.test(
      error.message,
    )
  );
}
