import { errorBodyOf, type InvalidInput, invalidInputRefusal, RefusedError, refuse } from "@tapedeck/protocol";
import { type Logger, throttledLog } from "@tapedeck/runtime";
import { StoreUnavailable } from "@tapedeck/tape";
import type { Middleware } from "koa";

/** Turns whatever is thrown below into an error body with its status; never a stack trace, never HTML. */
export function errorResponses(log: Logger): Middleware {
  const report = throttledLog(log);
  return async (ctx, next) => {
    try {
      await next();
    } catch (thrown) {
      const error = refusalOf(thrown);
      // While Redis is away each request fails, and its connection has told why: only our own faults are worth a stack.
      if (error.code === "INTERNAL") log.error({ err: thrown, method: ctx.method, path: ctx.path }, "unforeseen");
      else if (thrown instanceof StoreUnavailable) report.warn({ err: thrown }, "the tape store is away");
      else log.debug({ code: error.code, method: ctx.method, path: ctx.path }, error.message);
      ctx.status = error.status;
      ctx.body = errorBodyOf({ refused: error.code, message: error.message });
      if (error.retryAfter !== undefined) ctx.set("Retry-After", `${Math.ceil(error.retryAfter)}`);
      if (error.status === 401) ctx.set("WWW-Authenticate", "Bearer");
      // More than was thrown away already is not worth reading, and the connection cannot be used before it is read.
      if (error.status === 413 && !ctx.req.complete) ctx.set("Connection", "close");
    }
  };
}

/** The refusal that a thrown value amounts to; what nobody foresaw is our own fault, and says no more than that. */
export function refusalOf(thrown: unknown): RefusedError {
  if (thrown instanceof RefusedError) return thrown;
  return new RefusedError(refuse("INTERNAL", "Something went wrong here; it has been logged."), { cause: thrown });
}

export function refusedFor(invalid: InvalidInput): RefusedError {
  return new RefusedError(invalidInputRefusal(invalid));
}
