// The first build behind a login.
import { button, call, controls, json, signed, signIn, watch } from "./old-page.js";

await signIn();
watch("/ws");
controls((action) => call("POST", `/replay/${action}`, { headers: signed() }), [1, 2, 5, 10]);
for (const mode of ["REPLAY", "SIMULATION"]) {
  button(mode, () => call("POST", "/mode", { headers: { ...json, ...signed() }, body: JSON.stringify({ mode }) }));
}
