import type { Detector } from "../scene.js";

export class Spoofing implements Detector {
  risk = 0;
  look(): void {}
}
