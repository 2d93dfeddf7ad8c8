/** What all objects of one answer have in common. */
export interface CompletionHead {
  readonly id: string;
  readonly createdAtSeconds: number;
  readonly model: string;
}

/** OpenAI's name for "same seed, same fingerprint, same answer"; ten characters tell models apart. */
export const systemFingerprint = (fingerprint: string): string => `fp_${fingerprint.slice(0, 10)}`;

/** The fields that all objects of an answer begin with. */
export function headFields({ id, createdAtSeconds, model }: CompletionHead, object: string, fingerprint: string) {
  return { id, object, created: createdAtSeconds, model, system_fingerprint: systemFingerprint(fingerprint) };
}
