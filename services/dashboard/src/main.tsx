import "./design/tokens.css";
import "./design/base.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { Deck } from "./deck/deck";
import { Glance } from "./deck/glance";
import { DeckContext } from "./deck-context";
import { openSession } from "./session/open-session";
import { unknownCluster } from "./session/trusted-clusters";

const deck = new Deck();
const glance = new Glance(deck);
if (unknownCluster() === undefined) void openSession(deck);
// Else a cluster that the policy leaves out would look like one that is down.
document.addEventListener(
  "securitypolicyviolation",
  ({ effectiveDirective, blockedURI }) => {
    if (effectiveDirective !== "connect-src") return;
    deck.tell(
      "problem",
      `This page may not connect to ${blockedURI}: DASHBOARD_APIS of its own cluster does not list it.`,
    );
  },
  { once: true },
);
// What was drawn on canvas before the type was there is drawn again.
void document.fonts.ready.then(() => deck.painter.wake());

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <DeckContext value={{ deck, glance }}>
      <App />
    </DeckContext>
  </StrictMode>,
);
