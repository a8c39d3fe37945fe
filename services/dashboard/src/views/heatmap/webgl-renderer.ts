import { type DepthColumns, rows, slots } from "./columns/depth-columns";
import type { HeatmapColours, HeatmapRenderer, HeatmapScene } from "./renderer";

/** The whole canvas as one triangle. */
const fullVertex = `#version 300 es
void main() {
  vec2 corner = vec2(float((gl_VertexID << 1) & 2), float(gl_VertexID & 2));
  gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}`;

/** Pixel to frame by a table, pixel to price by the grid, and both to brightness. */
const depthFragment = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
precision highp isampler2D;
uniform sampler2D columns;
uniform isampler2D slotAt;
uniform sampler2D palette;
uniform float height;
uniform float rowAtTop;
uniform float rowsPerPixel;
out vec4 colour;
void main() {
  int slot = texelFetch(slotAt, ivec2(int(gl_FragCoord.x), 0), 0).r;
  float fromTop = height - gl_FragCoord.y;
  int row = int(floor(rowAtTop - fromTop * rowsPerPixel));
  if (slot < 0 || row < 0 || row >= ${rows}) discard;
  int value = int(texelFetch(columns, ivec2(row, slot), 0).r * 255.0 + 0.5);
  if (value == 0) discard;
  colour = texelFetch(palette, ivec2(value, 0), 0);
}`;

const bubbleVertex = `#version 300 es
layout(location = 0) in vec4 disc;
uniform vec2 size;
out float radius;
flat out float kind;
void main() {
  radius = disc.z;
  kind = disc.w;
  gl_Position = vec4(disc.x / size.x * 2.0 - 1.0, 1.0 - disc.y / size.y * 2.0, 0.0, 1.0);
  gl_PointSize = disc.z * 2.0 + 4.0;
}`;

const bubbleFragment = `#version 300 es
precision highp float;
in float radius;
flat in float kind;
uniform vec3 buy;
uniform vec3 sell;
uniform vec3 own;
out vec4 colour;
void main() {
  float from = length(gl_PointCoord - 0.5) * (radius * 2.0 + 4.0);
  float inside = clamp(radius + 0.5 - from, 0.0, 1.0);
  bool mine = kind > 1.5;
  float side = mine ? kind - 2.0 : kind;
  vec3 tone = side > 0.5 ? sell : buy;
  float rim = clamp(from - (radius - (mine ? 2.0 : 1.0)), 0.0, 1.0);
  vec3 shade = mine ? mix(tone, own, rim) : tone;
  float alpha = inside * (mine ? 1.0 : mix(0.6, 0.95, rim));
  colour = vec4(shade * alpha, alpha);
}`;

const bubbleFloats = 4;

/** The columns are a ring texture. Each new frame writes one line; the graphics card does the rest. */
export class WebglRenderer implements HeatmapRenderer {
  readonly kind = "webgl";
  #gl: WebGL2RenderingContext;
  #depth: WebGLProgram;
  #discs: WebGLProgram;
  #columns: WebGLTexture;
  #slotAt: WebGLTexture;
  #palette: WebGLTexture;
  #vertices: WebGLBuffer;
  #discData = new Float32Array(256 * bubbleFloats);
  #uniforms = new Map<string, WebGLUniformLocation | null>();
  #colours: HeatmapColours | undefined;

  /** Throws where WebGL2 is missing, or the texture is larger than it allows. */
  constructor(canvas: HTMLCanvasElement, { allowSoftware }: { allowSoftware: boolean }) {
    const gl = canvas.getContext("webgl2", {
      alpha: true,
      antialias: false,
      depth: false,
      premultipliedAlpha: true,
      // Without a graphics card, the browser would emulate it at a higher cost than the canvas renderer.
      failIfMajorPerformanceCaveat: !allowSoftware,
    });
    if (!gl) throw new Error("no WebGL2");
    if (!allowSoftware && isSoftware(gl)) throw new Error("no graphics card");
    if (gl.getParameter(gl.MAX_TEXTURE_SIZE) < slots) throw new Error("the maximum texture size is too small");
    this.#gl = gl;
    this.#depth = program(gl, fullVertex, depthFragment);
    this.#discs = program(gl, bubbleVertex, bubbleFragment);
    this.#columns = texture(gl);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.R8, rows, slots);
    this.#slotAt = texture(gl);
    this.#palette = texture(gl);
    this.#vertices = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, this.#vertices);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, bubbleFloats, gl.FLOAT, false, 0, 0);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.clearColor(0, 0, 0, 0);
  }

  resize(width: number, height: number): void {
    this.#gl.canvas.width = width;
    this.#gl.canvas.height = height;
  }

  setColours(colours: HeatmapColours): void {
    this.#colours = colours;
    const gl = this.#gl;
    gl.bindTexture(gl.TEXTURE_2D, this.#palette);
    const bytes = new Uint8Array(colours.palette);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
  }

  columnChanged({ bytes }: DepthColumns, slot: number): void {
    const gl = this.#gl;
    gl.bindTexture(gl.TEXTURE_2D, this.#columns);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, slot, rows, 1, gl.RED, gl.UNSIGNED_BYTE, bytes, slot * rows);
  }

  // HOT: for each animation frame.
  draw({ columns, slotAt, prices, bubbles }: HeatmapScene): void {
    const gl = this.#gl;
    const { width, height } = gl.canvas;
    const grid = columns.grid;
    gl.viewport(0, 0, width, height);
    gl.clear(gl.COLOR_BUFFER_BIT);
    if (!grid || width === 0 || height === 0) return;

    // biome-ignore lint/correctness/useHookAtTopLevel: WebGL's, not React's
    gl.useProgram(this.#depth);
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D, this.#slotAt);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R32I, slotAt.length, 1, 0, gl.RED_INTEGER, gl.INT, slotAt);
    gl.activeTexture(gl.TEXTURE2);
    gl.bindTexture(gl.TEXTURE_2D, this.#palette);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.#columns);
    gl.uniform1i(this.#at(this.#depth, "columns"), 0);
    gl.uniform1i(this.#at(this.#depth, "slotAt"), 1);
    gl.uniform1i(this.#at(this.#depth, "palette"), 2);
    gl.uniform1f(this.#at(this.#depth, "height"), height);
    gl.uniform1f(this.#at(this.#depth, "rowAtTop"), (prices.high - grid.base) / grid.step);
    gl.uniform1f(this.#at(this.#depth, "rowsPerPixel"), (prices.high - prices.low) / height / grid.step);
    gl.disable(gl.BLEND);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    this.#drawBubbles(bubbles, width, height);
  }

  #drawBubbles(bubbles: HeatmapScene["bubbles"], width: number, height: number): void {
    const colours = this.#colours;
    if (bubbles.length === 0 || !colours) return;
    if (this.#discData.length < bubbles.length * bubbleFloats) {
      this.#discData = new Float32Array(bubbles.length * 2 * bubbleFloats);
    }
    const data = this.#discData;
    let at = 0;
    for (const { x, y, radius, side, own } of bubbles) {
      data[at++] = x;
      data[at++] = y;
      data[at++] = radius;
      data[at++] = (side === "sell" ? 1 : 0) + (own ? 2 : 0);
    }
    const gl = this.#gl;
    // biome-ignore lint/correctness/useHookAtTopLevel: WebGL's, not React's
    gl.useProgram(this.#discs);
    gl.uniform2f(this.#at(this.#discs, "size"), width, height);
    for (const name of ["buy", "sell", "own"] as const) {
      const [red, green, blue] = colours[name];
      gl.uniform3f(this.#at(this.#discs, name), red / 255, green / 255, blue / 255);
    }
    gl.bindBuffer(gl.ARRAY_BUFFER, this.#vertices);
    gl.bufferData(gl.ARRAY_BUFFER, data.subarray(0, at), gl.DYNAMIC_DRAW);
    gl.enable(gl.BLEND);
    gl.drawArrays(gl.POINTS, 0, bubbles.length);
  }

  dispose(): void {
    this.#gl.getExtension("WEBGL_lose_context")?.loseContext();
  }

  #at(of: WebGLProgram, name: string): WebGLUniformLocation | null {
    const key = `${of === this.#depth ? "depth" : "discs"} ${name}`;
    const known = this.#uniforms.get(key);
    if (known !== undefined) return known;
    const found = this.#gl.getUniformLocation(of, name);
    this.#uniforms.set(key, found);
    return found;
  }
}

/** Not every browser reports this as a performance caveat. Measured: 39 frames per second, against 60 with the canvas renderer. */
function isSoftware(gl: WebGL2RenderingContext): boolean {
  const names = gl.getExtension("WEBGL_debug_renderer_info");
  const name: unknown = names && gl.getParameter(names.UNMASKED_RENDERER_WEBGL);
  return typeof name === "string" && /swiftshader|llvmpipe|softpipe|software|basic render/i.test(name);
}

function texture(gl: WebGL2RenderingContext): WebGLTexture {
  const made = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, made);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
  return made;
}

function program(gl: WebGL2RenderingContext, vertex: string, fragment: string): WebGLProgram {
  const made = gl.createProgram();
  for (const [type, source] of [
    [gl.VERTEX_SHADER, vertex],
    [gl.FRAGMENT_SHADER, fragment],
  ] as const) {
    const shader = gl.createShader(type);
    if (!shader) throw new Error("cannot create a shader");
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS))
    throw new Error(gl.getProgramInfoLog(made) ?? "cannot link the shader program");
  return made;
}
