// No sessions and no login: one socket, and frames without a start call.
import { button, call, controls, json, watch } from "./old-page.js";

watch("/ws");
controls((action) => call("POST", `/replay/${action}`), [1, 2, 5, 10]);
for (const [mode, symbol] of [
  ["REPLAY", null],
  ["LIVE", "ETHUSDT"],
  ["SIMULATION", null],
]) {
  button(mode, () => call("POST", "/mode", { headers: json, body: JSON.stringify({ mode, symbol }) }));
}
