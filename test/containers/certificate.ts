import { once } from "node:events";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { connect } from "node:tls";
import { subprotocol } from "@tapedeck/protocol";
import WebSocket from "ws";
import { output } from "./command.js";

/** Puts a self-signed certificate for this machine and its key into a folder, in one file, as HAProxy reads them. Returns the certificate. */
export async function selfSigned(folder: string): Promise<string> {
  const [key, certificate] = [join(folder, "..", "key.pem"), join(folder, "..", "certificate.pem")];
  const name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  await output("openssl", [...kind, ...name, "-keyout", key, "-out", certificate]);
  const pem = await readFile(certificate, "utf8");
  const both = join(folder, "tapedeck.pem");
  await writeFile(both, pem + (await readFile(key, "utf8")));
  await chmod(both, 0o644); // HAProxy in its container is another user than this
  return pem;
}

/** The fingerprint of the certificate that a server shows. */
export function shownBy(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.once("error", reject);
  });
}

/** The code by which a gateway ends a socket that says nothing. */
export async function closeCodeOf(url: string, ca: string): Promise<unknown> {
  const socket = new WebSocket(url.replace(/^http/, "ws"), [subprotocol], { ca });
  const [code] = await once(socket, "close");
  return code;
}

/** A JSON request over TLS, with who is trusted to have signed the certificate. */
export function ask(
  url: string,
  { ca, token, method = "GET" }: { ca: string; token?: string; method?: string },
): Promise<{ status: number; body: unknown }> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    const asked = request(url, { ca, method, headers }, (answer) => {
      text(answer).then((body) => resolve({ status: answer.statusCode ?? 0, body: JSON.parse(body) }), reject);
    });
    asked.once("error", reject);
    asked.end();
  });
}
