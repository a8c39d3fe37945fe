import { Readable } from "node:stream";
import type { Context } from "koa";

/** The bytes of an answer, in pieces that are made when they are taken. */
export type Pieces = AsyncGenerator<Uint8Array, void, undefined>;

/** An answer that is made while it is sent. */
export class StreamResponse {
  readonly type: string;
  readonly pieces: Pieces;

  constructor(type: string, pieces: Pieces) {
    this.type = type;
    this.pieces = pieces;
  }
}

/** Sends an answer piece by piece. Rejects as the first piece does. */
export async function sendStream(ctx: Context, { type, pieces }: StreamResponse): Promise<void> {
  const body = ctx.method === "HEAD" ? undefined : await bodyOf(ctx, pieces);
  ctx.status = 200;
  ctx.type = type;
  if (body !== undefined) ctx.body = body;
}

/**
 * A body that takes pieces only as fast as its client reads, and leaves them when the client has gone. The first piece is taken before the answer
 * begins, so that a store that is away is an answer and not a broken connection. Rejects as that piece does.
 */
export async function bodyOf(ctx: Context, pieces: Pieces): Promise<Readable> {
  const first = await pieces.next();
  const all = async function* () {
    if (first.done) return;
    yield first.value;
    yield* pieces;
  };
  // At most one piece waits for the client to read on.
  const stream = Readable.from(all(), { objectMode: false, highWaterMark: 1 });
  // The answer has begun: only a broken connection tells the client that the rest will not come.
  stream.once("error", () => ctx.res.destroy());
  // A body that was never read does not end the pieces by itself. Nobody is left to hear of a failure.
  stream.once("close", () => void pieces.return().catch(() => undefined));
  return stream;
}
