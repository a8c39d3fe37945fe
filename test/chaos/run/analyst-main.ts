// Gets one history after the other over IPC, and answers each with what the oracle and the report say of it.
import { keysWith } from "@tapedeck/sessions";
import type { History } from "../oracle/history.js";
import { analyse } from "../report/analysis.js";
import { TapeReader } from "./tape-reader.js";

const [redisUrl = "", prefix = "", folder = ""] = process.argv.slice(2);
const reader = new TapeReader({ redisUrl, keys: keysWith(prefix), folder });
process.on("message", async (history: History) => {
  process.send?.(await analyse(history, reader));
});
process.on("disconnect", () => process.exit());
