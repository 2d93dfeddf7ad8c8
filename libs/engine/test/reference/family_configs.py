"""The families of families.json: what is in config.json of a tiny model of each."""

VOCAB = 266  # libs/testing's tiny vocabulary
CHAT_ML = {"bos_token_id": 257, "eos_token_id": 258}
TINY = {
    "hidden_act": "silu",
    "hidden_size": 64,
    "intermediate_size": 96,
    "max_position_embeddings": 512,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "vocab_size": VOCAB,
    **CHAT_ML,
}
LLAMA = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "rms_norm_eps": 1e-05, **TINY}
LLAMA_3 = {**LLAMA, "attention_bias": False, "mlp_bias": False, "num_key_value_heads": 2, "tie_word_embeddings": False}
MISTRAL = {**LLAMA, "architectures": ["MistralForCausalLM"], "model_type": "mistral"}
QWEN2 = {
    **LLAMA,
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    "max_window_layers": 2,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-06,
    "rope_theta": 1000000.0,
    "sliding_window": 64,
    "use_sliding_window": False,
}

# With 32 dimensions a head and an original context of 64, at 80 tokens, a scaling keeps, stretches and blends some
# frequencies each. Old and new ways to write a config take turns: all of them are on the hub.
FAMILIES = {
    # As the first Llamas have it: no num_key_value_heads, no rope_theta.
    "llama-mha-tied": {**LLAMA, "tie_word_embeddings": True},
    # As transformers 5 writes it.
    "llama-gqa-untied": {
        **LLAMA_3,
        "dtype": "float32",
        "head_dim": 16,
        "rope_parameters": {"rope_theta": 500000.0, "rope_type": "default"},
    },
    "llama-head-dim": {**LLAMA_3, "head_dim": 48, "rope_scaling": None, "rope_theta": 10000.0},
    "llama-bias": {**LLAMA_3, "attention_bias": True, "rope_scaling": None, "rope_theta": 10000.0},
    "llama-linear": {
        **LLAMA_3,
        "head_dim": 32,
        "rope_scaling": {"factor": 4.0, "type": "linear"},
        "rope_theta": 10000.0,
    },
    "llama-llama3": {
        **LLAMA_3,
        "head_dim": 32,
        "rope_scaling": {
            "factor": 8.0,
            "high_freq_factor": 4.0,
            "low_freq_factor": 1.0,
            "original_max_position_embeddings": 64,
            "rope_type": "llama3",
        },
        "rope_theta": 500000.0,
    },
    "llama-yarn": {
        **LLAMA_3,
        "head_dim": 32,
        "rope_parameters": {
            "beta_fast": 8.0,
            "beta_slow": 0.5,
            "factor": 8.0,
            "original_max_position_embeddings": 64,
            "rope_theta": 10000.0,
            "rope_type": "yarn",
        },
    },
    "mistral": {
        **MISTRAL,
        "head_dim": 32,
        "num_key_value_heads": 1,
        "rope_theta": 1000000.0,
        "sliding_window": 256,
        "tie_word_embeddings": False,
    },
    "qwen2-tied": {**QWEN2, "tie_word_embeddings": True},
    "qwen2-yarn": {
        **QWEN2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "rope_scaling": {"factor": 8.0, "original_max_position_embeddings": 64, "type": "yarn"},
        "tie_word_embeddings": False,
    },
}
