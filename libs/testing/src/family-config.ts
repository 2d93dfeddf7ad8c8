/** What is read here of a Hugging Face config.json of a Llama, a Mistral or a Qwen2; old and new spellings. */
export interface FamilyConfig {
  readonly model_type: string;
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads?: number;
  readonly head_dim?: number;
  readonly max_position_embeddings: number;
  readonly rms_norm_eps: number;
  readonly tie_word_embeddings: boolean;
  readonly attention_bias?: boolean;
  readonly rope_theta?: number;
  readonly rope_scaling?: RopeParameters | null;
  /** Both of the above, as transformers writes it since version 5. */
  readonly rope_parameters?: RopeParameters;
}

/** Depends on the type. */
export interface RopeParameters {
  readonly rope_type?: string;
  readonly type?: string;
  readonly rope_theta?: number;
  readonly factor?: number;
  readonly low_freq_factor?: number;
  readonly high_freq_factor?: number;
  readonly original_max_position_embeddings?: number;
  readonly beta_fast?: number;
  readonly beta_slow?: number;
}

export interface FamilyShape {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

export function shapeOf(config: FamilyConfig): FamilyShape {
  const heads = config.num_attention_heads;
  return {
    heads,
    kvHeads: config.num_key_value_heads ?? heads,
    headDim: config.head_dim ?? config.hidden_size / heads,
  };
}

export function ropeOf(config: FamilyConfig): RopeParameters {
  const parameters = { ...(config.rope_parameters ?? config.rope_scaling) };
  const theta = parameters.rope_theta ?? config.rope_theta;
  return theta === undefined ? parameters : { ...parameters, rope_theta: theta };
}
