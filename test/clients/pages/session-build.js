// Each user has a session whose id the page generates. All commands name it except `mode`, which means the same session.
import { button, call, controls, json, signed, signIn, watch } from "./old-page.js";

await signIn();
let id = localStorage.getItem("kiro_session_id");
if (!id) {
  id = `session_${Date.now()}_${Math.random().toString(36).substr(2, 9)}`;
  localStorage.setItem("kiro_session_id", id);
}
window.sessionId = id;

const socket = watch(`/ws/${id}`);
socket.addEventListener("open", () => call("POST", `/replay/${id}/start`, { headers: signed() }));
controls((action) => call("POST", `/replay/${id}/${action}`, { headers: signed() }), [0.5, 1, 2, 3, 5, 10]);
for (const mode of ["REPLAY", "SIMULATION", "LIVE"]) {
  button(mode, () => call("POST", "/mode", { headers: { ...json, ...signed() }, body: JSON.stringify({ mode }) }));
}
button("BUY", () => socket.send(JSON.stringify({ type: "ORDER", side: "BUY", quantity: 5 })));
button("ping", () => socket.send(JSON.stringify({ type: "ping" })));
button("garbage", () => {
  for (const text of ["subscribe", "{", "", '{"type":"set_speed","speed":3}', "[1]"]) socket.send(text);
});
