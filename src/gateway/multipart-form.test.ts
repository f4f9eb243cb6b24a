import assert from "node:assert/strict";
import { test } from "node:test";
import { readFileForm } from "./multipart-form.ts";

const type = "multipart/form-data; boundary=edge";
const form = [
  "--edge",
  'Content-Disposition: form-data; name="Key"',
  "",
  "a/b",
  "--edge",
  'Content-Disposition: form-data; name="file"; filename="f.bin"',
  "Content-Type: image/png",
  "",
  "one\r\n--edg two",
  "--edge--",
  "",
].join("\r\n");

async function* inPieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text, "latin1");
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

test("a form is read the same however its bytes arrive", async () => {
  for (const size of [1, 2, 7, 64, 1_000]) {
    const { fields, file } = await readFileForm(inPieces(form, size), type);
    assert.deepEqual([...fields], [["key", "a/b"]]);
    assert.equal(file.name, "f.bin");
    assert.equal(file.contentType, "image/png");
    const bytes = Buffer.concat(await Array.fromAsync(file.body));
    assert.equal(bytes.toString("latin1"), "one\r\n--edg two");
  }
});

test("forms without boundary, name, file or end are refused", async () => {
  const read = async (text: string, contentType = type): Promise<void> => {
    const { file } = await readFileForm(inPieces(text, 16), contentType);
    for await (const _ of file.body);
  };
  await assert.rejects(read(form, "multipart/form-data"), { name: "FormError" });
  await assert.rejects(read(form.replace(' name="Key"', "")), { name: "FormError" });
  await assert.rejects(read('--edge\r\nC: ; name="a"\r\n\r\nx\r\n--edge--\r\n'), {
    name: "FormError",
  });
  await assert.rejects(read(form.slice(0, -20)), { name: "FormError" });
  await assert.rejects(read(`--edge\r\nC: ; name="a"\r\n\r\n${"x".repeat(100_000)}`), {
    name: "FormError",
    message: /too large/,
  });
});
