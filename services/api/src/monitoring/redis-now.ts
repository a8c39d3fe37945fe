import type { WallMs } from "@tapedeck/protocol";
import { redisTime } from "@tapedeck/runtime";
import { orUnavailable } from "@tapedeck/sessions";
import type { Api } from "../api.js";

/** The cluster's clock, for comparing with deadlines that other nodes have written. */
export async function redisNow(redis: Api["redis"]): Promise<WallMs> {
  return await orUnavailable(redisTime(redis));
}
