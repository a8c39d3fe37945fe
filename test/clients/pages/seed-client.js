// The client of the seed document: the id in the socket's query, the action before the id, and bodies sent as text/plain, which
// is a browser's default for a text without a Content-Type.
import { button, call, controls, watch } from "./old-page.js";

let id = localStorage.getItem("kiro_session_id");
if (!id) {
  id = `session_${Date.now()}_${Math.random().toString(36).substr(2, 9)}`;
  localStorage.setItem("kiro_session_id", id);
}
window.sessionId = id;

watch(`/ws?session_id=${id}`);
controls((action) => call("POST", `/replay/${action}/${id}`), [0.5, 1, 2, 5, 10]);
for (const mode of ["REPLAY", "LIVE", "SIMULATION"]) {
  const payload = mode === "LIVE" ? { mode, symbol: "BTCUSDT" } : { mode };
  button(mode, () => call("POST", `/mode/${id}`, { body: JSON.stringify(payload) }));
}
button("stop", () => call("POST", `/replay/stop/${id}`));
button("state", () => call("GET", `/replay/state/${id}`));
