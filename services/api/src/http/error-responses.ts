import { errorBodyOf, type InvalidInput, invalidInputRefusal, RefusedError, refuse } from "@tapedeck/protocol";
import { type Logger, throttledLog } from "@tapedeck/runtime";
import { StoreUnavailable } from "@tapedeck/tape";
import type { Middleware } from "koa";

/** Answers a thrown error with its status and an error body; never a stack trace, never HTML. */
export function errorResponses(log: Logger): Middleware {
  const report = throttledLog(log);
  return async (ctx, next) => {
    try {
      await next();
    } catch (thrown) {
      const error = refusalOf(thrown);
      // While Redis is unavailable every request fails, and the connection logs the reason: only bugs are logged with a stack.
      if (error.code === "INTERNAL")
        log.error(
          { err: thrown, method: ctx.method, path: ctx.path },
          "request failed with an unexpected error; answered 500",
        );
      else if (thrown instanceof StoreUnavailable)
        report.warn({ err: thrown }, "the tape store is unavailable; requests that need it answer 503");
      else log.debug({ code: error.code, method: ctx.method, path: ctx.path }, error.message);
      ctx.status = error.status;
      ctx.state.refused = error.code;
      ctx.body = errorBodyOf({ refused: error.code, message: error.message });
      if (error.retryAfter !== undefined) ctx.set("Retry-After", `${Math.ceil(error.retryAfter)}`);
      if (error.status === 401) ctx.set("WWW-Authenticate", "Bearer");
      // The rest of an oversized body is not read, so the connection cannot be reused.
      if (error.status === 413 && !ctx.req.complete) ctx.set("Connection", "close");
    }
  };
}

/** The refusal for a thrown value. The answer to an unexpected error reveals no details. */
export function refusalOf(thrown: unknown): RefusedError {
  if (thrown instanceof RefusedError) return thrown;
  return new RefusedError(refuse("INTERNAL", "Internal error; it has been logged."), { cause: thrown });
}

export function refusedFor(invalid: InvalidInput): RefusedError {
  return new RefusedError(invalidInputRefusal(invalid));
}
