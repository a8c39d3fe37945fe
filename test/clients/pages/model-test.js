// Tries a model: its own session, the mode from the metrics, and a strategy that no longer exists.
import { button, call, seen, signed, signIn, watch } from "./old-page.js";

await signIn();
const id = `model-test-${Math.random().toString(36).slice(2, 11)}`;
window.sessionId = id;
watch(`/ws/${id}`);
const metrics = await call("GET", "/metrics");
document.title = `Model test in ${metrics.mode.toLowerCase()}`;
button("strategy start", () => call("POST", `/strategy/${id}/start`, { headers: signed() }));
button("strategy stop", () => call("POST", `/strategy/${id}/stop`, { headers: signed() }));
seen.ready = true;
