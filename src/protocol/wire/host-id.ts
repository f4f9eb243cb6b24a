/** S3's second id of a request says which of its machines answered; ours is one, so it repeats the first. */
export function hostId(requestId: string): string {
  return Buffer.from(requestId.replaceAll("-", ""), "hex").toString("base64");
}
