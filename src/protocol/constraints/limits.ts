/** Sentences in one answer when a service names no number; ten thousand bad entries need not be listed. */
export const breachesMax = 100;

/**
 * Characters of a text that breaks its own length and is still held against its pattern, so that both
 * sentences are said as the real services do. The longest text with a pattern is an IAM policy document:
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html (seen 2026-11).
 */
export const matchedCharactersMax = 131_072;
