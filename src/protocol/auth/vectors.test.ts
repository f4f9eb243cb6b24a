import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { canonicalRequest, sha256Hex, stringToSign } from "./canonical.ts";
import { glimpseCredential, readClaim } from "./claim.ts";
import { createSigningKeys, formatScope, sameSignature } from "./signing-keys.ts";

const folder = join(import.meta.dirname, "../../../../shared/fixtures/sigv4");
const skip = existsSync(folder)
  ? false
  : "the published vectors (../shared/fixtures/sigv4) are not here";

// The vectors' published example secret.
const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

test(
  "every published Signature Version 4 vector gives its canonical request, string to sign and signature",
  { skip },
  (t) => {
    const cases = globSync("**/*.req", { cwd: folder }).toSorted();
    const passed: string[] = [];
    for (const file of cases) {
      const base = join(folder, file.slice(0, -".req".length));
      const read = (kind: string): string =>
        readFileSync(`${base}.${kind}`, "latin1").replaceAll("\r", "");
      const unsigned = parse(read("req"));
      const headers: Record<string, string> = {
        ...unsigned.headers,
        authorization: read("authz"),
      };
      const request = { ...unsigned, headers };
      const claim = readClaim(request, "query");
      assert.ok(claim, file);
      // One vector signs a token that its request file leaves to the signer to add.
      const token = parse(read("sreq")).headers["x-amz-security-token"];
      if (claim.signedHeaders.includes("x-amz-security-token") && token !== undefined) {
        headers["x-amz-security-token"] = token;
      }
      const canonical = canonicalRequest(request, {
        signedHeaders: claim.signedHeaders,
        payloadHash: sha256Hex(Buffer.from(request.body, "latin1")),
        pathRule: "normalise",
      });
      assert.equal(canonical, read("creq"), `${file}: canonical request`);
      const text = stringToSign(canonical, claim.amzDate, formatScope(claim.scope));
      assert.equal(text, read("sts"), `${file}: string to sign`);
      const signature = createSigningKeys().sign(secret, claim.scope, text);
      assert.ok(sameSignature(signature, claim.signature), `${file}: signature`);
      assert.equal(glimpseCredential(request)?.signingName, "service");
      passed.push(file);
    }
    t.diagnostic(`${passed.length} of ${cases.length} vectors`);
    assert.ok(cases.length >= 30);
  },
);

function parse(text: string) {
  const at = text.indexOf("\n\n");
  const head = (at < 0 ? text : text.slice(0, at)).replaceAll(/\n[ \t]+/g, " ");
  const [first = "", ...lines] = head.split("\n");
  const method = first.slice(0, first.indexOf(" "));
  const target = first.slice(method.length + 1, first.lastIndexOf(" "));
  const mark = target.indexOf("?");
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = headers[name] === undefined ? value : `${headers[name]},${value}`;
  }
  return {
    method,
    path: mark < 0 ? target : target.slice(0, mark),
    rawQuery: mark < 0 ? "" : target.slice(mark + 1),
    headers,
    body: at < 0 ? "" : text.slice(at + 2),
  };
}
