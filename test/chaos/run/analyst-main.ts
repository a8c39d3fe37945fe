// Gets one history after the other over IPC, and answers each with what the oracle and the report say of it.
import { keysWith } from "@tapedeck/sessions";
import { analyse } from "../report/analysis.js";
import { HistoryReceiver, type SentHistory } from "./sent-history.js";
import { TapeReader } from "./tape-reader.js";

const [redisUrl = "", prefix = "", folder = ""] = process.argv.slice(2);
const reader = new TapeReader({ redisUrl, keys: keysWith(prefix), folder });
const receiver = new HistoryReceiver();
process.on("message", async (history: SentHistory) => {
  process.send?.(await analyse(receiver.unpack(history), reader));
});
process.on("disconnect", () => process.exit());
