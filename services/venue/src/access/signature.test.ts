import { generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, test } from "vitest";
import { isSignedBy, signedParameters, signedRequest } from "./signature.js";

// The keys and signatures of Binance's documentation.
const apiKey = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A";
const secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
const hmac = { kind: "HMAC", secret } as const;
const query = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC";
const body = "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559";
const ofAll = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71";
const ofBoth = "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77";
const ofUnicode = "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3";

const accepted = (rawQuery: string, rawBody: string): boolean => {
  const { text, signature = "" } = signedRequest(rawQuery, rawBody);
  return isSignedBy(hmac, text, signature);
};

describe("[VK1] an HTTP request is signed as Binance documents it", () => {
  test.each([
    ["in the query", `${query}&${body}&signature=${ofAll}`, ""],
    ["in the body", "", `${query}&${body}&signature=${ofAll}`],
    ["in capitals", `${query}&${body}&signature=${ofAll.toUpperCase()}`, ""],
    ["in both, the signature in the body", query, `${body}&signature=${ofBoth}`],
    ["in both, the signature in the query", `${query}&signature=${ofBoth}`, body],
    ["with the signature first", `signature=${ofAll}&${query}&${body}`, ""],
    ["with the signature in the middle", `${query}&signature=${ofAll}&${body}`, ""],
    [
      "percent-encoded, as it was sent",
      `symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type=LIMIT&timeInForce=GTC&${body}&signature=${ofUnicode}`,
      "",
    ],
  ])("%s", (_, rawQuery, rawBody) => {
    expect(accepted(rawQuery, rawBody)).toBe(true);
  });

  test("a changed parameter, a wrong signature and none are not accepted", () => {
    expect(accepted(`${query}&${body.replace("quantity=1", "quantity=2")}&signature=${ofAll}`, "")).toBe(false);
    expect(accepted(`${query}&${body}&signature=${ofBoth}`, "")).toBe(false);
    expect(accepted(`${query}&${body}&signature=%zz`, "")).toBe(false);
    for (const without of [body, `${body}&signature=`]) {
      expect(signedRequest(without, "").signature).toBeUndefined();
    }
  });
});

test("[VK1] a WebSocket request is signed over its parameters in alphabetical order", () => {
  const parameters = {
    symbol: "BTCUSDT",
    side: "SELL",
    type: "LIMIT",
    timeInForce: "GTC",
    quantity: "0.01000000",
    price: "52000.00",
    newOrderRespType: "ACK",
    recvWindow: 100,
    timestamp: 1645423376532,
    apiKey,
    signature: "cc15477742bd704c29492d96c7ead9414dfd8e0ec4a00f947bb5bb454ddbd08a",
  };
  const { text, signature = "" } = signedParameters(parameters);
  expect(isSignedBy(hmac, text, signature)).toBe(true);
  expect(isSignedBy(hmac, `${text}0`, signature)).toBe(false);
});

test("[VK1] an Ed25519 signature is base64, and its case matters", () => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const credential = {
    kind: "ED25519",
    publicKey: publicKey.export({ type: "spki", format: "pem" }).toString(),
  } as const;
  // One with characters that a query has to encode.
  let text = "";
  let signature = "";
  for (let at = 0; !/\+.*\/|\/.*\+/.test(signature); at++) {
    text = `${query}&${body}&recvWindow=${at}`;
    signature = sign(null, Buffer.from(text), privateKey).toString("base64");
  }
  for (const sent of [encodeURIComponent(signature), signature]) {
    const read = signedRequest(`${text}&signature=${sent}`, "");
    expect(read).toEqual({ text, signature });
  }
  expect(isSignedBy(credential, text, signature)).toBe(true);
  expect(isSignedBy(credential, text, signature.toLowerCase())).toBe(false);
  expect(isSignedBy(credential, text, ofAll)).toBe(false);
});
