// Watches one session: frames come over a socket that resumes by token, commands go out as plain HTTP, so that each may
// land on another node.
const $ = (id) => document.getElementById(id);
const id = sessionId();
const path = encodeURIComponent(id);
const speeds = [0.1, 0.5, 1, 2, 5, 10, 20, 50, 100, 1000];
const levels = 20;

/** All that has to be kept for coming back elsewhere: the last frame seen. */
let token;
/** The epoch that frames belong to from here on. */
let epoch;
let session;
let frame;
let line = [];
let overview;
let drawn = true;
let dragging = false;

function sessionId() {
  const asked = new URLSearchParams(location.search).get("session");
  const kept = asked ?? localStorage.getItem("kiro_session_id");
  const made = kept ?? `session_${Date.now()}_${Math.random().toString(36).slice(2, 11)}`;
  if (!asked) localStorage.setItem("kiro_session_id", made);
  return made;
}

// ---- the socket

let attempt = 0;

function connect() {
  const resume = token ? `?epoch=${token.epoch}&after=${token.seq}` : "";
  const origin = location.origin.replace(/^http/, "ws");
  const socket = new WebSocket(`${origin}/ws/${path}${resume}`, "tapedeck.v1");
  socket.onopen = () => {
    attempt = 0;
    showLink("connected", true);
  };
  socket.onmessage = ({ data }) => hear(JSON.parse(data));
  socket.onclose = ({ code, reason }) => {
    if ([1008, 1009, 4400, 4403, 4404].includes(code)) {
      showLink(code === 4404 ? "session gone; reload for a new one" : `closed: ${reason || code}`, false);
      if (code === 4404) localStorage.removeItem("kiro_session_id");
      return;
    }
    showLink("connection lost, coming back", false);
    // 1001 and 1012 mean "elsewhere, now"; anything else waits with full jitter, so that a crowd does not return at once.
    const most = code === 1001 || code === 1012 ? 100 : Math.min(20_000, 500 * 2 ** attempt++);
    setTimeout(connect, Math.random() * most);
  };
}

function hear(message) {
  switch (message.type) {
    case "session":
      $("gateway").textContent = message.node;
      return take(message.session);
    case "state":
      if (message.cause !== "command") tell(`state: ${message.cause}`);
      return take(message.session);
    case "history":
      epoch = message.epoch;
      if (!message.complete) line = [];
      return message.data.forEach(show);
    case "snapshot":
      return show(message);
    case "feed":
      return tell(`feed ${message.status}${message.reason ? `: ${message.reason}` : ""}`);
    case "lag":
      return tell(`this page reads too slowly: ${message.frames} frames were merged`);
    case "error":
      return tell(message.message);
  }
}

/** Takes a session's new state. A new epoch means another place: what was drawn there does not lead here. */
function take(next) {
  if (session && next.epoch !== epoch) line = [];
  if (next.tape !== session?.tape) loadOverview(next.tape);
  session = next;
  epoch = next.epoch;
  drawn = false;
}

function show(next) {
  token = { epoch, seq: next.seq };
  frame = next;
  decimals = Math.max(...[...next.bids, ...next.asks].map(([price]) => (String(price).split(".")[1] ?? "").length));
  line.push({ ms: Date.parse(next.timestamp), price: next.mid_price });
  if (line.length > 600) line.shift();
  for (const trade of next.trades.slice(-40)) addTrade(trade);
  drawn = false;
}

function showLink(text, up) {
  $("link").textContent = text;
  $("link").dataset.up = up ? "yes" : "no";
}

// ---- commands

async function command(action, body) {
  try {
    const answer = await fetch(action.startsWith("/") ? action : `/replay/${path}/${action}`, {
      method: "POST",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    $("api").textContent = answer.headers.get("x-tapedeck-node") ?? "–";
    const json = await answer.json();
    tell(answer.ok ? "" : json.message);
  } catch (error) {
    tell(`not sent: ${error.message}`);
  }
}

function tell(text) {
  $("told").textContent = text;
}

// ---- drawing, at most once per screen refresh

const number = (value) => (value === null || value === undefined ? "–" : String(value));
/** With as many decimals as the finest price of the book, so that they line up. */
let decimals = 0;
const priced = (price) => (typeof price === "number" ? price.toFixed(decimals) : "–");
const rows = (list, count) => {
  while (list.children.length < count) list.append(document.createElement("li"));
  return list.children;
};

function cells(row, ...texts) {
  while (row.children.length < texts.length) row.append(document.createElement("span"));
  texts.forEach((text, index) => {
    row.children[index].textContent = text;
  });
}

function addTrade({ timestamp, price, size, side }) {
  const list = $("trades");
  const row = list.children.length < 60 ? document.createElement("li") : list.lastElementChild;
  cells(row, timestamp.slice(11, 23), priced(price), number(size));
  row.dataset.side = side;
  list.prepend(row);
}

function drawBook({ bids, asks }) {
  const most = Math.max(
    ...bids.slice(0, levels).map(([, size]) => size),
    ...asks.slice(0, levels).map(([, size]) => size),
  );
  for (const [list, side] of [
    [$("asks"), asks.slice(0, levels).reverse()],
    [$("bids"), bids.slice(0, levels)],
  ]) {
    [...rows(list, side.length)].forEach((row, index) => {
      const [price, size] = side[index] ?? ["", 0];
      cells(row, priced(price), size === 0 ? "" : number(size));
      row.style.setProperty("--share", `${most > 0 ? (100 * size) / most : 0}%`);
    });
  }
}

/** A canvas at the screen's own resolution, cleared. */
function surface(canvas) {
  const ratio = devicePixelRatio;
  const { clientWidth: width, clientHeight: height } = canvas;
  if (canvas.width !== width * ratio || canvas.height !== height * ratio) {
    canvas.width = width * ratio;
    canvas.height = height * ratio;
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height, ink: (name) => resolved(canvas, name) };
}

/** Canvas knows nothing of `light-dark()`: a computed colour is the only form it takes. */
function resolved(element, name) {
  element.style.color = `var(${name})`;
  return getComputedStyle(element).color;
}

function drawLine(canvas, points, x, name) {
  const { pen, width, height, ink } = surface(canvas);
  if (points.length < 2) return { pen, width, height, ink };
  const prices = points.map(({ price }) => price);
  const low = Math.min(...prices);
  const span = Math.max(...prices) - low || 1;
  pen.beginPath();
  points.forEach((point, nth) => {
    pen.lineTo(x(point, nth) * width, 3 + (1 - (point.price - low) / span) * (height - 6));
  });
  pen.strokeStyle = ink(name);
  pen.lineWidth = 1.5;
  pen.stroke();
  return { pen, width, height, ink };
}

function drawOverview() {
  const points = overview?.points ?? [];
  const { from, to } = extent();
  const at = (ms) => (ms - from) / (to - from || 1);
  const { pen, width, height, ink } = drawLine($("overview"), points, ({ ms }) => at(ms), "--faint");
  pen.globalAlpha = 0.35;
  pen.fillStyle = ink("--sell");
  for (const gap of overview?.gaps ?? []) {
    const start = at(Date.parse(gap.from));
    pen.fillRect(start * width, 0, Math.max(1, (at(Date.parse(gap.to)) - start) * width), height);
  }
  if (frame && !dragging) $("seek").value = at(Date.parse(frame.timestamp));
}

function extent() {
  const points = overview?.points ?? [];
  return { from: points[0]?.ms ?? 0, to: overview?.to ?? points.at(-1)?.ms ?? 1 };
}

function draw() {
  requestAnimationFrame(draw);
  if (drawn) return;
  drawn = true;
  if (frame) {
    drawBook(frame);
    $("symbol").textContent = frame.symbol;
    $("mid").textContent = priced(frame.mid_price);
    $("spread").textContent =
      `spread ${number(frame.spread)}${frame.skipped ? `, ${frame.skipped} frames merged` : ""}`;
    $("at").textContent = frame.timestamp.slice(0, 23).replace("T", " ");
    drawLine($("line"), line, (_, nth) => nth / (line.length - 1), "--accent");
  }
  drawOverview();
  if (!session) return;
  const { state, speed, reason } = session;
  $("state").textContent = `${state}${reason ? ` (${reason})` : ""} ${speed}×`;
  $("epoch").textContent = session.epoch;
  $("seq").textContent = number(token?.seq);
  $("speed").value = speeds.includes(speed) ? speed : "";
  for (const button of document.querySelectorAll("[data-do]")) {
    const on = { start: "PLAYING", pause: "PAUSED", stop: "STOPPED" }[button.dataset.do];
    if (on) button.setAttribute("aria-pressed", String(state === on));
  }
}

async function loadOverview(tape) {
  overview = undefined;
  if (!tape) return;
  const name = encodeURIComponent(tape);
  const [about, answer] = await Promise.all([fetch(`/tapes/${name}`), fetch(`/tapes/${name}/overview?points=800`)]);
  if (!about.ok || !answer.ok) return;
  const { points, gaps } = await answer.json();
  const { id: plain, to } = await about.json();
  overview = { points: points.map(({ ts, price }) => ({ ms: Date.parse(ts), price })), gaps, to: Date.parse(to) };
  $("tape").value = plain;
  drawn = false;
}

async function loadTapes() {
  const { tapes } = await (await fetch("/tapes")).json();
  $("tape").replaceChildren(...tapes.map(({ id: tape, symbol }) => new Option(`${symbol} · ${tape}`, tape)));
}

// ---- the controls

$("session").textContent = id;
$("speed").replaceChildren(...speeds.map((speed) => new Option(`${speed}×`, speed)));
$("speed").onchange = ({ target }) => command(`speed/${target.value}`);
$("tape").onchange = ({ target }) => command(`/mode/${path}`, { mode: "REPLAY", tape: target.value });
$("seek").oninput = () => {
  dragging = true;
};
$("seek").onchange = ({ target }) => {
  dragging = false;
  command("seek", { fraction: Number(target.value) });
};
$("seek").onblur = () => {
  dragging = false;
};
for (const button of document.querySelectorAll("[data-do]")) {
  button.onclick = () => command(button.dataset.do, button.dataset.body && JSON.parse(button.dataset.body));
}
addEventListener("keydown", (event) => {
  if (event.target.matches(event.key === " " ? "button, select" : "input, select")) return; // keys of their own
  if (event.key === " ") command(session?.state === "PLAYING" ? "pause" : "resume");
  else if (event.key === "ArrowRight") command("step", { frames: 1 });
  else if (event.key === "ArrowLeft") command("step", { frames: -1 });
  else return;
  event.preventDefault();
});
addEventListener("resize", () => {
  drawn = false;
});
loadTapes().catch(() => tell("the list of tapes did not come"));
connect();
draw();
