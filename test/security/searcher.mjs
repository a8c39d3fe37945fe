// Asks for as much costly work as it can for some time: searches for what never comes, orders at far places, overviews of markets that nobody
// has seen. Some clients wait, some leave soon, some at once. A process of its own, so that watchers measure the cluster and not how
// busy their own process is. Prints how many answers there were, by status; `left` are those that it did not wait for.
import WebSocket from "ws";

const { api, gateway, protocol, headers, sessions, ms } = JSON.parse(process.argv[2] ?? "{}");
const until = performance.now() + ms;
const never = { event: "next", type: "DATA_VALIDATION_ERROR" };
const day = 864_000;
/** @type {Record<string, number>} */
const answers = {};
let nth = 0;

/** @param {string} method @param {string} path @param {object | undefined} body @param {number} patienceMs */
async function ask(method, path, body, patienceMs) {
  const leaves = AbortSignal.timeout(Math.ceil(Math.max(0, Math.min(patienceMs, until - performance.now()))));
  const content = body === undefined ? {} : { body: JSON.stringify(body) };
  const status = await fetch(`${api}${path}`, { method, headers, signal: leaves, ...content }).then(
    async (answer) => {
      await answer.arrayBuffer();
      return answer.status;
    },
    () => "left",
  );
  answers[status] = (answers[status] ?? 0) + 1;
  // A client that is refused at once comes back at once, but lets others of this process have their turn.
  if (status === 429) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** How long a client waits: to the end, for a moment, or not at all. */
const patience = () => [Number.POSITIVE_INFINITY, 50, 5][nth++ % 3] ?? 0;

/** @param {string} id */
async function search(id) {
  await ask("POST", `/replay/seek/${id}`, never, patience());
}

/** @param {string} id */
async function order(id) {
  await ask("POST", `/replay/order/${id}`, { side: "BUY", quantity: 1 }, patience());
}

async function overview() {
  await ask("GET", `/tapes/sim2.BTCUSDT.${nth}m.calm/overview?points=5000`, undefined, patience());
}

/** @param {string} id */
async function searchBySocket(id) {
  const socket = new WebSocket(`${gateway}/ws/${id}`, [protocol], { headers });
  await new Promise((resolve) => {
    socket.on("open", () => {
      socket.send(JSON.stringify({ type: "command", id: 1, command: "seek", event: "next", event_type: never.type }));
      setTimeout(() => socket.terminate(), 100);
    });
    socket.on("error", () => {}); // a close follows
    socket.on("close", resolve);
  });
}

/** @param {() => Promise<void>} work */
async function again(work) {
  while (performance.now() < until) await work();
}

/** @type {string[]} */
const [trades, moreTrades, watches, ...searches] = sessions;
for (const [at, id] of [trades, moreTrades].entries()) {
  await ask("POST", `/replay/seek/${id}`, { seq: (at + 30) * day }, Number.POSITIVE_INFINITY);
}
await Promise.all([
  ...[trades, moreTrades].map((id) => again(() => order(id))),
  again(() => searchBySocket(watches)),
  ...searches.flatMap((id) => [again(() => search(id)), again(overview)]),
]);
console.log(JSON.stringify(answers));
process.exit(0); // all that is still open is left
