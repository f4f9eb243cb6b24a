/** An Amazon Resource Name taken apart: `arn:partition:service:region:account:resource`. */
export interface Arn {
  readonly partition: string;
  readonly service: string;
  readonly region: string;
  readonly accountId: string;
  /** Everything behind the fifth colon, separators included. */
  readonly resource: string;
}

/** Undefined unless `text` has the six parts of an ARN and a resource. Parts are not validated further. */
export function parseArn(text: string): Arn | undefined {
  const parts = text.split(":");
  const [prefix, partition, service, region, accountId] = parts;
  const resource = parts.slice(5).join(":");
  if (prefix !== "arn" || !partition || !service || resource === "") return undefined;
  return { partition, service, region: region ?? "", accountId: accountId ?? "", resource };
}
