/** What all objects of one answer have in common. */
export interface CompletionHead {
  readonly rid: string;
  readonly createdAtSeconds: number;
  readonly model: string;
}

export const completionId = (rid: string): string => `chatcmpl-${rid}`;

/** OpenAI's name for "same seed, same fingerprint, same answer"; ten characters tell models apart. */
export const systemFingerprint = (fingerprint: string): string => `fp_${fingerprint.slice(0, 10)}`;
