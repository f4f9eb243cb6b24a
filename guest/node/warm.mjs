/** The function that is rehearsed in a sandbox nobody waits for; see rehearsal.mjs. */
export const handler = async () => ({ statusCode: 200, body: "" });
