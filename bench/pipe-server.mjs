// A file server with nothing but what storing an object takes: a body is hashed as S3 needs it (MD5 and
// CRC64NVME), written to a file and synced; a file is piped back. Its first output is its port.
import { createHash } from "node:crypto";
import { createReadStream, statSync } from "node:fs";
import { mkdtemp, open } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Crc64Nvme } from "@aws-sdk/checksums/crc";

const folder = await mkdtemp(join(tmpdir(), "skerry-bench-pipe-"));

const server = createServer(async (request, response) => {
  const file = join(folder, basename(request.url));
  if (request.method === "GET") {
    response.writeHead(200, { "content-length": statSync(file).size });
    createReadStream(file, { highWaterMark: 256 * 1024 }).pipe(response);
    return;
  }
  const handle = await open(file, "w");
  const md5 = createHash("md5");
  const crc = new Crc64Nvme();
  for await (const piece of request) {
    md5.update(piece);
    crc.update(piece);
    await handle.write(piece);
  }
  await handle.sync();
  await handle.close();
  await crc.digest();
  response.writeHead(200, { etag: md5.digest("hex") }).end();
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
