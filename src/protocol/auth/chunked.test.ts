import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeChunked } from "./chunked.ts";
import { createSigningKeys } from "./signing-keys.ts";
import { pieces, readAll } from "./testing/sign.ts";

// The example of https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html#example-signature-calculations-streaming
const scopeParts = {
  date: "20130524",
  region: "us-east-1",
  service: "s3",
  terminator: "aws4_request",
};
const keys = createSigningKeys();
const signing = {
  seedSignature: "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
  amzDate: "20130524T000000Z",
  scope: "20130524/us-east-1/s3/aws4_request",
  sign: (text: string) => keys.sign("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", scopeParts, text),
};
const signatures = [
  "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
  "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
  "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
];
const payload = "a".repeat(66_560);
const example = [
  `10000;chunk-signature=${signatures[0]}\r\n${payload.slice(0, 65_536)}\r\n`,
  `400;chunk-signature=${signatures[1]}\r\n${payload.slice(65_536)}\r\n`,
  `0;chunk-signature=${signatures[2]}\r\n\r\n`,
].join("");

const plain = { hasTrailer: false, trailerNames: [], decodedByteCount: payload.length };

function decode(
  text: string,
  options: Partial<Parameters<typeof decodeChunked>[1]>,
  pieceBytes = 1_000,
) {
  return readAll(
    decodeChunked(pieces(Buffer.from(text, "latin1"), pieceBytes), {
      signing,
      ...plain,
      ...options,
    }),
  );
}

test("the documented chunked upload is verified and read, however the network cuts it", async () => {
  for (const pieceBytes of [1, 7, 1_000, 1_000_000]) {
    assert.equal((await decode(example, {}, pieceBytes)).toString(), payload);
  }
});

test("a changed byte, chunk order, size or signature is refused before the chunk is handed on", async () => {
  const broken = [
    example.replace("aaaa", "aaba"),
    example.replace(signatures[0] ?? "", signatures[1] ?? ""),
    example.replace("10000;", "ffff;"),
    example.slice(example.indexOf("400;")),
    example.replace(`;chunk-signature=${signatures[0]}`, ""),
    example.replace(`0;chunk-signature=${signatures[2]}\r\n\r\n`, ""),
    example.slice(0, -2),
    `${example}x`,
    example.replace("400;", "400 ;"),
    example.replace("\r\n400", "\n400"),
  ];
  for (const text of broken) {
    await assert.rejects(decode(text, {}), { name: "AuthenticationError" }, text.slice(0, 120));
  }
});

test("a body shorter or longer than x-amz-decoded-content-length is refused", async () => {
  await assert.rejects(decode(example, { decodedByteCount: 5 }), { code: "IncompleteBody" });
});

test("a signed trailer must carry the announced names and its own signature", async () => {
  // https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
  const seeded = {
    ...signing,
    seedSignature: "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
  };
  const parts = [
    "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
    "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
    "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
    "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435",
  ];
  const text = [
    `10000;chunk-signature=${parts[0]}\r\n${payload.slice(0, 65_536)}\r\n`,
    `400;chunk-signature=${parts[1]}\r\n${payload.slice(65_536)}\r\n`,
    `0;chunk-signature=${parts[2]}\r\n`,
    `x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:${parts[3]}\r\n\r\n`,
  ].join("");
  const options = { signing: seeded, hasTrailer: true, trailerNames: ["x-amz-checksum-crc32c"] };
  assert.equal((await decode(text, options)).toString(), payload);
  for (const changed of [
    text.replace("sOO8/Q", "sOO8/R"),
    text.replace(`x-amz-trailer-signature:${parts[3]}\r\n`, ""),
    text.replace("x-amz-checksum-crc32c:sOO8/Q==\r\n", ""),
    text.replace("crc32c:", "crc32:"),
  ]) {
    await assert.rejects(decode(changed, options), { name: "AuthenticationError" });
  }
});

test("framing without signatures is stripped, its trailer checked against the announcement", async () => {
  const text = "5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n";
  const options = {
    signing: undefined,
    hasTrailer: true,
    trailerNames: ["x-amz-checksum-crc32"],
    decodedByteCount: 11,
  };
  for (const pieceBytes of [1, 3, 500]) {
    assert.equal((await decode(text, options, pieceBytes)).toString(), "hello world");
  }
  await assert.rejects(decode(text, { ...options, trailerNames: [] }), {
    code: "MalformedTrailerError",
  });
  await assert.rejects(decode("zz\r\nhello\r\n0\r\n\r\n", options), { code: "IncompleteBody" });
});
