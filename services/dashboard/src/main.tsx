import "./design/tokens.css";
import "./design/base.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { FrameSampler } from "./playback/frame-sampler";
import { PlaybackController } from "./playback/playback-controller";
import { PlaybackContext } from "./playback-context";
import { untrustedCluster } from "./session/cluster-settings";
import { openSession } from "./session/session-navigation";

const playback = new PlaybackController();
const sampler = new FrameSampler(playback);
if (untrustedCluster() === undefined) void openSession(playback);
// Without this message, a cluster that the content security policy blocks would look as if it were down.
document.addEventListener(
  "securitypolicyviolation",
  ({ effectiveDirective, blockedURI }) => {
    if (effectiveDirective !== "connect-src") return;
    playback.notify(
      "problem",
      `This page may not connect to ${blockedURI}. Add it to DASHBOARD_APIS of the cluster that serves this page.`,
    );
  },
  { once: true },
);
// Canvas text that was drawn before the fonts loaded is drawn again.
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
