/** A model that ready workers serve. */
export interface ServedModel {
  readonly name: string;
  /** Epoch; when the first of its workers started. */
  readonly sinceMs: number;
  readonly contextLength: number;
}

/** OpenAI's `model`; `max_model_len` is what vLLM and SGLang add. */
export function modelObject({ name, sinceMs, contextLength }: ServedModel) {
  return {
    id: name,
    object: 'model',
    created: Math.floor(sinceMs / 1000),
    owned_by: 'sliceway',
    max_model_len: contextLength,
  };
}

export function modelList(models: readonly ServedModel[]) {
  return { object: 'list', data: models.map(modelObject) };
}
