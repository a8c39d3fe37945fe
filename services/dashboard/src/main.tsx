import "./design/tokens.css";
import "./design/base.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { Deck } from "./deck/deck";
import { Glance } from "./deck/glance";
import { DeckContext } from "./deck-context";
import { openSession } from "./session/open-session";

const deck = new Deck();
const glance = new Glance(deck);
void openSession(deck);
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
