// Builds the dashboard if its sources have changed: for `npm run build`, and for images.
import { dashboard, prepare } from "./prepare.mjs";

await prepare(dashboard);
