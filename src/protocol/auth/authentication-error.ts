/** Refusals carry the service's own code and message (`SignatureDoesNotMatch`, `ExpiredToken`, …). */
export class AuthenticationError extends Error {
  override readonly name = "AuthenticationError";
  readonly code: string;
  readonly status: number;
  constructor(code: string, message: string, status = 403) {
    super(message);
    this.code = code;
    this.status = status;
  }
}
