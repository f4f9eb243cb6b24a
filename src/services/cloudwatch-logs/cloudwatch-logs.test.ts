import assert from "node:assert/strict";
import { test } from "node:test";
import { createMemoryStore } from "#storage/drivers/memory/memory.ts";
import { bufferLinesMax, flushDelayMs, tailUpdateMs } from "./limits.ts";
import { accountId, fill, region, setUp } from "./testing/set-up.ts";

const dayMs = 86_400_000;

test("a group is described as it was created", async () => {
  const { call, clock } = setUp();
  await call("CreateLogGroup", { logGroupName: "/aws/lambda/f", tags: { a: "b" } });
  const { logGroups } = await call("DescribeLogGroups", { logGroupNamePrefix: "/aws/" });
  const arn = `arn:aws:logs:${region}:${accountId}:log-group:/aws/lambda/f`;
  assert.deepEqual(logGroups, [
    {
      logGroupName: "/aws/lambda/f",
      creationTime: clock.nowMs(),
      metricFilterCount: 0,
      arn: `${arn}:*`,
      logGroupArn: arn,
      storedBytes: 0,
      logGroupClass: "STANDARD",
      deletionProtectionEnabled: false,
    },
  ]);
  await assert.rejects(call("CreateLogGroup", { logGroupName: "/aws/lambda/f" }), {
    name: "ResourceAlreadyExistsException",
    message: "The specified log group already exists",
  });
  await call("TagResource", { resourceArn: arn, tags: { c: "d" } });
  assert.deepEqual((await call("ListTagsLogGroup", { logGroupName: "/aws/lambda/f" })).tags, {
    a: "b",
    c: "d",
  });
  await call("UntagResource", { resourceArn: arn, tagKeys: ["a"] });
  assert.deepEqual((await call("ListTagsForResource", { resourceArn: arn })).tags, { c: "d" });
});

test("absent groups and streams are refused in the service's words", async () => {
  const { call } = setUp();
  const group = {
    name: "ResourceNotFoundException",
    message: "The specified log group does not exist.",
  };
  const logEvents = [{ message: "m", timestamp: 1 }];
  await assert.rejects(call("DeleteLogGroup", { logGroupName: "g" }), group);
  await assert.rejects(call("FilterLogEvents", { logGroupName: "g" }), group);
  await assert.rejects(
    call("PutLogEvents", { logGroupName: "g", logStreamName: "s", logEvents }),
    group,
  );
  await call("CreateLogGroup", { logGroupName: "g" });
  const stream = {
    name: "ResourceNotFoundException",
    message: "The specified log stream does not exist.",
  };
  await assert.rejects(call("GetLogEvents", { logGroupName: "g", logStreamName: "s" }), stream);
  await assert.rejects(
    call("FilterLogEvents", { logGroupName: "g", logStreamNames: ["s"] }),
    stream,
  );
  await assert.rejects(call("GetLogEvents", { logStreamName: "s" }), {
    name: "InvalidParameterException",
  });
});

test("streams are listed by name or by their newest event, in pages", async () => {
  const s = setUp();
  const now = s.clock.nowMs();
  await fill(s, ["x"], { stream: "a", firstMs: now - 10 });
  await fill(s, ["x"], { stream: "b", firstMs: now - 30 });
  await fill(s, ["x"], { stream: "c", firstMs: now - 20 });
  await s.call("CreateLogStream", { logGroupName: "g", logStreamName: "empty" });
  const list = async (input: object): Promise<(string | undefined)[]> => {
    const names: (string | undefined)[] = [];
    let nextToken: string | undefined;
    do {
      const page = await s.call("DescribeLogStreams", {
        logGroupName: "g",
        limit: 3,
        ...input,
        ...(nextToken !== undefined && { nextToken }),
      });
      names.push(...(page.logStreams ?? []).map(({ logStreamName }) => logStreamName));
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    return names;
  };
  assert.deepEqual(await list({}), ["a", "b", "c", "empty"]);
  assert.deepEqual(await list({ descending: true }), ["empty", "c", "b", "a"]);
  assert.deepEqual(await list({ orderBy: "LastEventTime", descending: true }), [
    "a",
    "c",
    "b",
    "empty",
  ]);
  assert.deepEqual(await list({ logStreamNamePrefix: "e" }), ["empty"]);
  await assert.rejects(list({ orderBy: "LastEventTime", logStreamNamePrefix: "a" }), {
    name: "InvalidParameterException",
  });
});

test("GetLogEvents pages in both directions, and at an end gives back the token it was given", async () => {
  const s = setUp();
  await fill(s, ["0", "1", "2", "3", "4", "5", "6"]);
  const get = (input: object) =>
    s.call("GetLogEvents", { logGroupName: "g", logStreamName: "s", limit: 3, ...input });
  const text = (page: Awaited<ReturnType<typeof get>>): string =>
    (page.events ?? []).map(({ message }) => message).join("");
  const tail = await get({});
  assert.equal(text(tail), "456");
  assert.match(tail.nextForwardToken ?? "", /^f\/\d{56}\/s$/);
  assert.match(tail.nextBackwardToken ?? "", /^b\/\d{56}\/s$/);
  const older = await get({ nextToken: tail.nextBackwardToken });
  assert.equal(text(older), "123");
  const oldest = await get({ nextToken: older.nextBackwardToken });
  assert.equal(text(oldest), "0");
  const before = await get({ nextToken: oldest.nextBackwardToken });
  assert.equal(text(before), "");
  assert.equal(before.nextBackwardToken, oldest.nextBackwardToken);
  assert.equal(text(await get({ nextToken: before.nextForwardToken })), "012");
  const head = await get({ startFromHead: true });
  assert.equal(text(head), "012");
  const middle = await get({ nextToken: head.nextForwardToken });
  const last = await get({ nextToken: middle.nextForwardToken });
  assert.equal(text(middle) + text(last), "3456");
  const end = await get({ nextToken: last.nextForwardToken });
  assert.equal(text(end), "");
  assert.equal(end.nextForwardToken, last.nextForwardToken);
  await fill(s, ["7"], { firstMs: s.clock.nowMs() + 100 });
  assert.equal(text(await get({ nextToken: end.nextForwardToken })), "7");
  await assert.rejects(get({ nextToken: "f/nonsense" }), {
    name: "InvalidParameterException",
    message: "The specified nextToken is invalid.",
  });
});

test("the start of a time window belongs to it, the end does not", async () => {
  const s = setUp();
  await fill(s, ["0", "1", "2", "3"]);
  const first = s.clock.nowMs();
  const { events } = await s.call("GetLogEvents", {
    logGroupName: "g",
    logStreamName: "s",
    startTime: first + 1,
    endTime: first + 3,
  });
  assert.deepEqual(
    events?.map(({ message }) => message),
    ["1", "2"],
  );
});

test("a page of events is at most a mebibyte", async () => {
  const s = setUp();
  const large = "x".repeat(400_000);
  await fill(s, [large, large], { stream: "s" });
  await fill(s, [large, large], { stream: "s", firstMs: s.clock.nowMs() + 10 });
  const head = { logGroupName: "g", logStreamName: "s", startFromHead: true };
  const page = await s.call("GetLogEvents", head);
  assert.equal(page.events?.length, 2);
  const filtered = await s.call("FilterLogEvents", { logGroupName: "g" });
  assert.equal(filtered.events?.length, 2);
  const rest = await s.call("FilterLogEvents", {
    logGroupName: "g",
    nextToken: filtered.nextToken ?? "",
  });
  assert.equal(rest.events?.length, 2);
  assert.equal(rest.nextToken, undefined);
});

test("FilterLogEvents interleaves streams by time, and its pages join without gap or repeat", async () => {
  const s = setUp();
  const now = s.clock.nowMs();
  await fill(s, ["a0", "a1", "a2", "a3"], { stream: "a", firstMs: now });
  await fill(s, ["b1", "b2", "b3"], { stream: "b", firstMs: now + 1 });
  await fill(s, ["c3", "c4"], { stream: "c", firstMs: now + 3 });
  for (const limit of [1, 2, 3, 100]) {
    const seen: (string | undefined)[] = [];
    const ids = new Set<string | undefined>();
    let nextToken: string | undefined;
    do {
      const page = await s.call("FilterLogEvents", {
        logGroupName: "g",
        limit,
        ...(nextToken !== undefined && { nextToken }),
      });
      for (const { message, eventId } of page.events ?? []) {
        seen.push(message);
        ids.add(eventId);
        assert.match(eventId ?? "", /^\d{56}$/);
      }
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    assert.deepEqual(seen, ["a0", "a1", "b1", "a2", "b2", "a3", "b3", "c3", "c4"]);
    assert.equal(ids.size, 9);
  }
  const some = await s.call("FilterLogEvents", {
    logGroupName: "g",
    logStreamNames: ["c", "a"],
    filterPattern: "?3 ?4",
    startTime: now,
    endTime: now + 3,
  });
  assert.deepEqual(
    some.events?.map(({ message }) => message),
    ["a3", "c3"],
  );
  const prefixed = await s.call("FilterLogEvents", { logGroupName: "g", logStreamNamePrefix: "b" });
  assert.equal(prefixed.events?.length, 3);
  await assert.rejects(s.call("FilterLogEvents", { logGroupName: "g", filterPattern: "{ $.a" }), {
    name: "InvalidParameterException",
    message: "Invalid filter pattern",
  });
});

test("of a batch, what is too old or too new is rejected and the rest is kept", async () => {
  const s = setUp();
  await fill(s, ["seed"]);
  const now = s.clock.nowMs();
  const put = (timestamps: readonly number[]) =>
    s.call("PutLogEvents", {
      logGroupName: "g",
      logStreamName: "s",
      logEvents: timestamps.map((timestamp) => ({ timestamp, message: "m" })),
    });
  const tooOld = now - 15 * dayMs;
  const mixed = await put([tooOld, tooOld, now, now + 3 * 3_600_000]);
  assert.deepEqual(mixed.rejectedLogEventsInfo, {
    tooOldLogEventEndIndex: 2,
    tooNewLogEventStartIndex: 3,
  });
  await s.call("PutRetentionPolicy", { logGroupName: "g", retentionInDays: 1 });
  const expired = await put([now - 2 * dayMs, now]);
  assert.deepEqual(expired.rejectedLogEventsInfo, { expiredLogEventEndIndex: 1 });
  await s.call("DeleteRetentionPolicy", { logGroupName: "g" });
  await assert.rejects(put([now, now - 1]), {
    message: "Log events in a single PutLogEvents request must be in chronological order.",
  });
  await assert.rejects(put([now - dayMs - 1, now]), {
    message:
      "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
  });
  assert.equal((await put([now - dayMs, now])).rejectedLogEventsInfo, undefined);
});

test("a batch is at most a mebibyte, counting 26 bytes for each event", async () => {
  const s = setUp();
  await fill(s, ["seed"]);
  const put = (message: string) =>
    s.call("PutLogEvents", {
      logGroupName: "g",
      logStreamName: "s",
      logEvents: [{ timestamp: s.clock.nowMs(), message }],
    });
  await put("x".repeat(1_048_576 - 26));
  await assert.rejects(put("x".repeat(1_048_576 - 25)), {
    name: "InvalidParameterException",
    message: /too large: 1048577 bytes exceeds limit of 1048576/,
  });
});

const badInput: readonly (readonly [string, object, RegExp])[] = [
  [
    "CreateLogGroup",
    { logGroupName: "a b" },
    /^1 validation error detected: Value 'a b' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: /,
  ],
  ["CreateLogGroup", { logGroupName: "x".repeat(513) }, /length less than or equal to 512$/],
  ["CreateLogGroup", { logGroupName: "" }, /greater than or equal to 1/],
  ["CreateLogGroup", { logGroupName: "g", logGroupClass: "FREE" }, /enum value set/],
  ["CreateLogGroup", { logGroupName: "g", kmsKeyId: "k" }, /kmsKeyId is not supported/],
  ["CreateLogGroup", { logGroupName: "g", tags: { "": "x" } }, /'tags'/],
  ["CreateLogGroup", { logGroupName: "g", tags: { a: "x".repeat(257) } }, /'tags\.a\.member'/],
  ["CreateLogStream", { logGroupName: "g", logStreamName: "a:b" }, /'logStreamName'/],
  ["CreateLogStream", { logGroupName: "g", logStreamName: "a*b" }, /'logStreamName'/],
  ["DescribeLogGroups", { limit: 0 }, /'limit' .*greater than or equal to 1$/],
  ["DescribeLogGroups", { limit: 51 }, /less than or equal to 50$/],
  ["DescribeLogGroups", { nextToken: "%" }, /nextToken is invalid/],
  [
    "DescribeLogGroups",
    { logGroupNamePrefix: "a", logGroupNamePattern: "b" },
    /mutually exclusive/,
  ],
  ["DescribeLogGroups", { includeLinkedAccounts: true }, /includeLinkedAccounts is not supported/],
  ["DescribeLogStreams", { logGroupName: "g", orderBy: "Size" }, /LogStreamName, LastEventTime/],
  ["FilterLogEvents", { logGroupName: "g", limit: 10_001 }, /less than or equal to 10000$/],
  ["FilterLogEvents", { logGroupName: "g", startTime: -1 }, /'-1' at 'startTime'/],
  ["FilterLogEvents", { logGroupName: "g", filterPattern: "x".repeat(1_025) }, /1024$/],
  ["FilterLogEvents", { logGroupName: "g", nextToken: "e30" }, /nextToken is invalid/],
  ["FilterLogEvents", { logGroupName: "g", logGroupIdentifier: "g" }, /Only one of/],
  ["GetLogEvents", { logGroupName: "g", logStreamName: "s", limit: 0 }, /'limit'/],
  ["PutLogEvents", { logGroupName: "g", logStreamName: "s", logEvents: [] }, /'logEvents'/],
  [
    "PutLogEvents",
    { logGroupName: "g", logStreamName: "s", logEvents: [{ timestamp: -1, message: "m" }] },
    /'logEvents\.1\.member\.timestamp'/,
  ],
  ["PutRetentionPolicy", { logGroupName: "g", retentionInDays: 2 }, /'2' at 'retentionInDays'/],
  ["StartLiveTail", { logGroupIdentifiers: [] }, /'logGroupIdentifiers'/],
  ["PutResourcePolicy", { policyName: "p", policyDocument: "{" }, /not valid JSON/],
  ["TagResource", { resourceArn: "arn:aws:sqs:us-east-1:1:q", tags: { a: "b" } }, /ARN/],
];

for (const [name, input, message] of badInput) {
  test(`${name} refuses ${JSON.stringify(input).slice(0, 70)}`, async () => {
    const { call } = setUp();
    await assert.rejects(call(name as "GetLogEvents", input), {
      name: "InvalidParameterException",
      message,
    });
  });
}

test("expired events are invisible at once and gone after the sweep", async () => {
  const s = setUp();
  const then = s.clock.nowMs();
  await fill(s, ["old0", "old1"]);
  await s.call("PutRetentionPolicy", { logGroupName: "g", retentionInDays: 1 });
  s.clock.jumpWall(dayMs + 1);
  const read = async (): Promise<(string | undefined)[]> => {
    const { events } = await s.call("FilterLogEvents", { logGroupName: "g" });
    return (events ?? []).map(({ message }) => message);
  };
  assert.deepEqual(await read(), ["old1"]);
  const bytes = async (): Promise<number | undefined> =>
    (await s.call("DescribeLogGroups", {})).logGroups?.[0]?.storedBytes;
  assert.equal(await bytes(), 60);
  await s.sweep();
  assert.equal(await bytes(), 30);
  const { logStreams } = await s.call("DescribeLogStreams", { logGroupName: "g" });
  assert.equal(logStreams?.[0]?.firstEventTimestamp, then + 1);
  s.clock.jumpWall(10);
  await s.sweep();
  assert.equal(await bytes(), 0);
  const emptied = await s.call("DescribeLogStreams", { logGroupName: "g" });
  assert.equal(emptied.logStreams?.[0]?.lastEventTimestamp, undefined);
});

test("a deleted group's name starts empty, and the sweep leaves nothing behind", async () => {
  const s = setUp();
  const before = (await s.store.usage()).bytes;
  for (let n = 0; n < 60; n++) await fill(s, ["x", "y"], { stream: `s${n}` });
  await s.call("DeleteLogGroup", { logGroupName: "g" });
  await s.call("CreateLogGroup", { logGroupName: "g" });
  const again = await s.call("DescribeLogStreams", { logGroupName: "g" });
  assert.deepEqual(again.logStreams, []);
  await s.call("DeleteLogGroup", { logGroupName: "g" });
  await s.sweep();
  assert.equal((await s.store.usage()).bytes, before);
});

test("a protected group is not deleted", async () => {
  const { call } = setUp();
  await call("CreateLogGroup", { logGroupName: "g", deletionProtectionEnabled: true });
  await assert.rejects(call("DeleteLogGroup", { logGroupName: "g" }), {
    name: "ValidationException",
  });
  await call("PutLogGroupDeletionProtection", {
    logGroupIdentifier: "g",
    deletionProtectionEnabled: false,
  });
  await call("DeleteLogGroup", { logGroupName: "g" });
});

const group = { accountId, region, name: "/aws/lambda/f" };

test("lines of functions are visible to the next read and stored on their own soon after", async () => {
  const s = setUp();
  const timestampMs = s.clock.nowMs();
  s.sink.open(group, "s").write(timestampMs, "one\n");
  const { events } = await s.call("FilterLogEvents", { logGroupName: group.name });
  assert.deepEqual(
    events?.map(({ message }) => message),
    ["one\n"],
  );
  s.sink.open(group, "s").write(timestampMs, "two");
  await s.clock.advance(flushDelayMs);
  await s.flush();
  const other = setUp(s.store);
  const seen = await other.call("GetLogEvents", {
    logGroupName: group.name,
    logStreamName: "s",
  });
  assert.equal(seen.events?.length, 2);
});

test("lines beyond the buffer are dropped, counted and noted in the stream", async () => {
  const s = setUp();
  const timestampMs = s.clock.nowMs();
  const writer = s.sink.open(group, "s");
  for (let count = 0; count < bufferLinesMax + 7; count++) writer.write(timestampMs, "x");
  await s.flush();
  const { events } = await s.call("GetLogEvents", {
    logGroupName: group.name,
    logStreamName: "s",
    limit: 1,
  });
  assert.match(events?.[0]?.message ?? "", /^\[skerry\] 7 log lines were dropped/);
  assert.ok(s.events.includes("logs.lines-dropped"));
});

test("when the store refuses, lines wait and nothing is thrown", async () => {
  const store = createMemoryStore({ bytesMax: 64 * 1024 });
  const s = setUp(store);
  const message = "x".repeat(200_000);
  s.sink.open(group, "s").write(s.clock.nowMs(), message);
  await s.flush();
  assert.deepEqual(s.events, ["logs.flush-failed"]);
  assert.ok(s.clock.pendingCount > 0, "it is tried again");
});

test("a line larger than an event becomes several", async () => {
  const s = setUp();
  s.sink.open(group, "s").write(s.clock.nowMs(), "é".repeat(1_000_000));
  const { logStreams } = await s.call("DescribeLogStreams", { logGroupName: group.name });
  assert.equal(logStreams?.length, 1);
  let length = 0;
  let nextToken: string | undefined;
  do {
    const page = await s.call("FilterLogEvents", {
      logGroupName: group.name,
      ...(nextToken !== undefined && { nextToken }),
    });
    for (const { message } of page.events ?? []) length += message?.length ?? 0;
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  assert.equal(length, 1_000_000);
});

test("Live Tail starts with its request and then sends each second what is new", async () => {
  const s = setUp();
  await fill(s, ["before"]);
  const arn = `arn:aws:logs:${region}:${accountId}:log-group:g`;
  const { responseStream } = await s.call("StartLiveTail", {
    logGroupIdentifiers: [arn],
    logEventFilterPattern: "-noise",
  });
  assert.ok(responseStream);
  const session = responseStream[Symbol.asyncIterator]();
  const start = (await session.next()) as IteratorResult<{ sessionStart?: object }>; // the first is the start
  assert.deepEqual(
    (start.value as { sessionStart: { logGroupIdentifiers: string[] } }).sessionStart
      .logGroupIdentifiers,
    [arn],
  ); // as above
  const nextUpdate = async (): Promise<(string | undefined)[]> => {
    const pending = session.next();
    await new Promise((resolve) => setImmediate(resolve));
    await s.clock.advance(tailUpdateMs);
    const { value } = await pending;
    return (value?.sessionUpdate?.sessionResults ?? []).map(
      ({ message }: { message?: string }) => message,
    );
  };
  assert.deepEqual(await nextUpdate(), []);
  await fill(s, ["one", "noise"], { firstMs: s.clock.nowMs() });
  await fill(s, ["zero"], { stream: "fresh", firstMs: s.clock.nowMs() - 5 });
  assert.deepEqual(await nextUpdate(), ["zero", "one"]);
  assert.deepEqual(await nextUpdate(), []);
  s.gone.abort();
  assert.equal((await session.next()).done, true);
});

test("resource policies are kept, listed and removed, ten at most", async () => {
  const { call } = setUp();
  for (let n = 0; n < 10; n++) {
    await call("PutResourcePolicy", { policyName: `p${n}`, policyDocument: "{}" });
  }
  await assert.rejects(call("PutResourcePolicy", { policyName: "more", policyDocument: "{}" }), {
    name: "LimitExceededException",
  });
  await call("DeleteResourcePolicy", { policyName: "p0" });
  const { resourcePolicies } = await call("DescribeResourcePolicies", {});
  assert.equal(resourcePolicies?.length, 9);
});

test("what is being stored when the server stops is waited for, not counted as lost", async () => {
  const s = setUp();
  const place = { accountId, region, name: "/aws/lambda/busy" };
  const message = "a line that is long enough to be compressed in the thread pool ".repeat(200);
  const writer = s.logs.sink.open(place, "stream");
  for (let count = 0; count < 50; count++) writer.write(s.clock.nowMs(), message);
  const storing = s.logs.flush();
  // Taken out of the buffer, and on its way to the store.
  await new Promise((resolve) => setImmediate(resolve));
  const isStored = storing.then(() => "stored");
  assert.equal(await Promise.race([isStored, Promise.resolve("under way")]), "under way");
  await s.logs[Symbol.asyncDispose]();
  assert.deepEqual(s.events, []);
  const found = await s.call("GetLogEvents", {
    logGroupName: place.name,
    logStreamName: "stream",
    startFromHead: true,
  });
  assert.equal(found.events?.length, 50);
});
