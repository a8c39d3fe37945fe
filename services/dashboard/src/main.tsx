import "./design/tokens.css";
import "./design/base.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { FrameSampler } from "./playback/frame-sampler";
import { PlaybackController } from "./playback/playback-controller";
import { PlaybackContext } from "./playback-context";
import { openSession } from "./session/open-session";
import { unknownCluster } from "./session/trusted-clusters";

const playback = new PlaybackController();
const sampler = new FrameSampler(playback);
if (unknownCluster() === undefined) void openSession(playback);
// Else a cluster that the policy leaves out would look like one that is down.
document.addEventListener(
  "securitypolicyviolation",
  ({ effectiveDirective, blockedURI }) => {
    if (effectiveDirective !== "connect-src") return;
    playback.notify(
      "problem",
      `This page may not connect to ${blockedURI}: DASHBOARD_APIS of its own cluster does not list it.`,
    );
  },
  { once: true },
);
// What was drawn on canvas before the type was there is drawn again.
void document.fonts.ready.then(() => playback.animation.invalidate());

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <PlaybackContext value={{ playback, sampler }}>
      <App />
    </PlaybackContext>
  </StrictMode>,
);
