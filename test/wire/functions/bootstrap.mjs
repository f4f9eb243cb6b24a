#!/usr/bin/env node
// A custom runtime whose handler answers with the event, or what the extension has received.
const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`;
const when = () => performance.timeOrigin + performance.now();
console.log(`runtime: started at ${when()}`);
process.on("SIGTERM", () => {
  console.log(`runtime: SIGTERM at ${when()}`);
  process.exit(0);
});
for (;;) {
  const next = await fetch(`${api}/invocation/next`);
  const id = next.headers.get("lambda-runtime-aws-request-id");
  const event = await next.json();
  console.log(`runtime: handles ${id}`);
  const answer = event.received ? await received(event.received) : event;
  await fetch(`${api}/invocation/${id}/response`, { method: "POST", body: JSON.stringify(answer) });
}

/** Asks until an event of this type has arrived. */
async function received(type) {
  for (;;) {
    const events = await (await fetch("http://sandbox.localdomain:4243/")).json();
    if (events.some((event) => event.type === type)) return events;
  }
}
