/** Headers of one connection, which nobody passes on (RFC 9110, section 7.6.1, and those in wide use). */
export const hopByHop = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
