// What the least possible service does: reads a body, answers a constant of JSON.
import { createServer } from "node:http";

const body = JSON.stringify({ Item: { pk: { S: "x".repeat(36) }, text: { S: "x".repeat(200) } } });
const server = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    Buffer.concat(chunks);
    response.writeHead(200, {
      "content-type": "application/x-amz-json-1.0",
      "content-length": body.length,
    });
    response.end(body);
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
