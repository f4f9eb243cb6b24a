import assert from "node:assert/strict";
import { test } from "node:test";
import { canonical, refusalOf } from "./addresses.ts";
import { isLocalName, readRequestHead } from "./request-head.ts";

const own = new Set([canonical("81.2.69.142"), canonical("2a02:8108::17")]);

test("nothing but the public internet can be reached", () => {
  const forbidden = `
    127.0.0.1 127.255.255.254 0.0.0.0 0.1.2.3 10.0.0.1
    172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 169.254.170.2
    100.64.0.1 100.100.100.200 192.0.0.192 168.63.129.16 192.0.2.1
    198.18.0.1 198.51.100.1 203.0.113.9 224.0.0.1 240.0.0.1
    255.255.255.255 81.2.69.142 :: ::1 fe80::1
    fe80::1%eth0 fc00::1 fd00:ec2::254 ff02::1 2001:db8::1
    2001::1 2002:7f00:1:: 2a02:8108::17 2A02:8108:0:0:0:0:0:17 ::ffff:127.0.0.1
    ::ffff:7f00:1 ::ffff:169.254.169.254 ::ffff:81.2.69.142 ::127.0.0.1 64:ff9b::127.0.0.1
    64:ff9b::a9fe:a9fe 64:ff9b:1::10.0.0.1 ::ffff:0:127.0.0.1 fec0::1 3fff::1
    5f00::1 100::1 ::ffff:8.8.8.8 not an address 
  `;

  for (const address of [...forbidden.trim().split(/\s+/), "not an address", ""])
    assert(refusalOf(address, own), address);
  for (const address of [
    "8.8.8.8",
    "1.1.1.1",
    "81.2.69.143",
    "2606:4700::1111",
    "2a00:1450:4001::200e",
  ])
    assert.equal(refusalOf(address, own), undefined, address);
});

test("names that mean this host are known without a resolver", () => {
  for (const name of [
    "localhost",
    "LOCALHOST",
    "a.localhost",
    "metadata.google.internal",
    "printer.local",
    "router",
    "localhost.",
  ])
    assert(isLocalName(name), name);
  for (const name of ["example.com", "api.example.com", "8.8.8.8"])
    assert(!isLocalName(name), name);
});

test("only requests that everyone reads alike are passed on", () => {
  const refused = [
    "GET / HTTP/1.1\r\nHost: a.example",
    "GET https://a.example/ HTTP/1.1",
    "GET ftp://a.example/ HTTP/1.1",
    "GET http://user:pass@a.example/ HTTP/1.1",
    "GET http://a.example/ HTTP/2.0",
    "GET  http://a.example/ HTTP/1.1",
    "CONNECT a.example HTTP/1.1",
    "CONNECT a.example:0 HTTP/1.1",
    "CONNECT a.example:99999 HTTP/1.1",
    "CONNECT user@a.example:443 HTTP/1.1",
    "POST http://a.example/ HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked",
    "POST http://a.example/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2",
    "POST http://a.example/ HTTP/1.1\r\nContent-Length: +1",
    "POST http://a.example/ HTTP/1.1\r\nTransfer-Encoding: xchunked",
    "GET http://a.example/ HTTP/1.1\r\n folded: yes",
    "GET http://a.example/ HTTP/1.1\r\nName : value",
    "GET http://a.example/ HTTP/1.1\r\nName: a\rb",
    "",
  ];
  for (const head of refused) assert.equal(readRequestHead(head), undefined, JSON.stringify(head));
  assert.deepEqual(readRequestHead("CONNECT [2606:4700::1111]:443 HTTP/1.1"), {
    kind: "tunnel",
    host: "2606:4700::1111",
    port: 443,
  });
  assert.deepEqual(
    readRequestHead(
      "GET http://a.example:8080/x?y=1 HTTP/1.1\r\nHost: other\r\nProxy-Connection: keep-alive\r\nConnection: X-Secret\r\nX-Secret: 1\r\nX-Kept: 2",
    ),
    {
      kind: "forward",
      host: "a.example",
      port: 8080,
      head: "GET /x?y=1 HTTP/1.1\r\nHost: a.example:8080\r\nX-Kept: 2\r\nConnection: close\r\n\r\n",
    },
  );
});
