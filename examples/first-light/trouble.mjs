/** Misbehaves on request, to show that only its own sandbox feels it. */
export async function handler(event) {
  switch (event.trouble) {
    case "crash":
      return process.abort();
    case "timeout":
      for (;;);
    case "memory": {
      const held = [];
      for (;;) held.push(Buffer.alloc(8 * 1024 * 1024, 1));
    }
    case "throw":
      throw new RangeError("out of my depth");
    default:
      return "calm";
  }
}
