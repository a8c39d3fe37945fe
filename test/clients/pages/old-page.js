// What all builds of the first version's dashboard have in common. The backend's address was compiled into them; here it
// is in the page's own address.
import { draw } from "./drawing.js";

export const backend = new URL(location.href).searchParams.get("backend");

/** For the test: all messages of the socket, how many were drawn, and each time that the page showed "Connection lost". */
export const seen = { texts: [], histories: 0, drawn: 0, closed: 0, lost: [], answers: {} };
window.seen = seen;

const fields =
  "clock mid microprice spread divergence quantities obi ofi probability vpin regime regime-label gaps gap spoofing updates last tape alarm alarm-more";
document.body.insertAdjacentHTML(
  "beforeend",
  `<p id="status"></p><pre id="ladder"></pre><canvas id="heatmap" width="200" height="20"></canvas><dl>${fields
    .split(" ")
    .map((name) => `<dt>${name}</dt><dd id="${name}"></dd>`)
    .join("")}</dl>`,
);

/** Opens the socket, and opens it again whenever it closes. Treats every message other than `history` as a frame. */
export function watch(path) {
  const socket = new WebSocket(backend.replace(/^http/, "ws") + path);
  socket.onmessage = ({ data }) => {
    seen.texts.push(data);
    const message = JSON.parse(data);
    if (message.type === "history") {
      seen.histories++;
      message.data.forEach(draw);
    } else {
      draw(message);
    }
    seen.drawn++;
  };
  socket.onclose = () => {
    seen.closed++;
    document.getElementById("status").textContent = "Connection lost";
    setTimeout(() => watch(path), 3000);
  };
  return socket;
}

/** Treats every response that is not 2xx, and a failed request, as a lost connection. */
export async function call(method, path, options = {}) {
  try {
    const answer = await fetch(backend + path, { method, ...options });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    const json = await answer.json();
    seen.answers[`${method} ${path}`] = json;
    document.getElementById("status").textContent = "Connected";
    return json;
  } catch (error) {
    seen.lost.push(`${method} ${path}: ${error.message}`);
    document.getElementById("status").textContent = "Connection lost";
    return undefined;
  }
}

/** A button for each control, with its name as the label. */
export function controls(press, speeds) {
  const names = ["start", "pause", "resume", ...speeds.map((speed) => `speed/${speed}`), "goback/10", "goback/30"];
  for (const name of names) button(name, () => press(name));
}

export function button(name, onclick) {
  const made = document.createElement("button");
  made.textContent = name;
  made.onclick = onclick;
  document.body.append(made);
}

/** Registers, signs in, and keeps the token, as the builds with a login do. */
export async function signIn() {
  const body = (fields) => ({ headers: { "Content-Type": "application/json" }, body: JSON.stringify(fields) });
  const [email, password] = ["trader@example.com", "not a secret"];
  await call("POST", "/auth/register", body({ name: "Trader", email, password }));
  const answer = await call("POST", "/auth/login", body({ email, password }));
  localStorage.setItem("token", answer.access_token);
  localStorage.setItem("user", JSON.stringify(answer.user));
  document.title = `Dashboard of ${answer.user.name}, since ${new Date(answer.user.created_at).toISOString()}`;
}

/** The header that pages with a login send with every command. */
export function signed() {
  return { Authorization: `Bearer ${localStorage.getItem("token")}` };
}

export const json = { "Content-Type": "application/json" };
