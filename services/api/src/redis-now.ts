import type { WallMs } from "@tapedeck/protocol";
import { answered } from "@tapedeck/sessions";
import type { Api } from "./api.js";

/** The cluster's clock, for comparing with deadlines that other nodes have written. */
export async function redisNow(redis: Api["redis"]): Promise<WallMs> {
  const [second, micro] = await answered(redis.time());
  return Number(second) * 1000 + Number(micro) / 1000;
}
