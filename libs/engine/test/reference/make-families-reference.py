#!/usr/bin/env python3
"""Makes families.json: the logits of transformers (torch, CPU, F32, eager attention) for a tiny random model of each family.

From the repository's root (torch is a download of some gigabytes):

    python3 -m venv .cache/families
    .cache/families/bin/pip install -r libs/engine/test/reference/requirements-families.txt
    .cache/families/bin/python libs/engine/test/reference/make-families-reference.py

All weights of a family come from one generator (mulberry32.py, its numbers are u()), so that libs/testing's tinyFamily
makes the same ones, f32 of a result in double precision:
    matrix  [out, in], filled row by row: gain * u() / sqrt(in); gain is 4 for q_proj and k_proj, so that attention and
            with it RoPE decide much of a logit, else 1
    bias    [out]: 0.5 * u()
    norm    [hidden]: 1 + 0.1 * u()
    order   embed_tokens (in = hidden); per layer input_layernorm, q_proj, k_proj, v_proj, o_proj (each with its bias
            after it, where the family has one), post_attention_layernorm, gate_proj, up_proj, down_proj; norm;
            lm_head, if not tied

families.json:
    promptIds    80 ids, the same for all; positions: of the prompt, from 0
    families     name; seed; config: config.json of the model; weights: SHA-256 of all of them in that order, as
                 little-endian F32; logits: after each of the positions, all of the vocabulary
"""

import hashlib
import json
import math
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from transformers import AutoModelForCausalLM
from transformers.utils.logging import disable_progress_bar

from family_configs import FAMILIES, VOCAB
from mulberry32 import Uniform

HERE = Path(__file__).parent
FIRST_SEED = 100
PROMPT_IDS = [(11 + 53 * i + i * i) % VOCAB for i in range(80)]
POSITIONS = [30, 60, 79]
# F32 rounding only.
TOLERANCE = 5e-5
# What theta, a scaling or a bias must change at least, so that a forward without it fails by far.
MATTERS = 0.05


def make_weights(config: dict, seed: int) -> dict[str, np.ndarray]:
    uniform, tensors = Uniform(seed), {}
    hidden, ffn, heads = config["hidden_size"], config["intermediate_size"], config["num_attention_heads"]
    head_dim = config.get("head_dim", hidden // heads)
    kv_width = config.get("num_key_value_heads", heads) * head_dim

    def fill(name: str, shape: list[int], make) -> None:
        values = [make(uniform.next()) for _ in range(math.prod(shape))]
        tensors[name] = np.array(values, dtype=np.float32).reshape(shape)

    def matrix(name: str, outputs: int, inputs: int, gain: int = 1, biased: bool = False) -> None:
        fill(f"{name}.weight", [outputs, inputs], lambda u: gain * u / math.sqrt(inputs))
        if biased:
            fill(f"{name}.bias", [outputs], lambda u: 0.5 * u)

    def norm(name: str) -> None:
        fill(f"{name}.weight", [hidden], lambda u: 1 + 0.1 * u)

    qkv_bias = config["model_type"] == "qwen2" or config.get("attention_bias", False)
    matrix("model.embed_tokens", VOCAB, hidden)
    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}"
        norm(f"{prefix}.input_layernorm")
        matrix(f"{prefix}.self_attn.q_proj", heads * head_dim, hidden, 4, qkv_bias)
        matrix(f"{prefix}.self_attn.k_proj", kv_width, hidden, 4, qkv_bias)
        matrix(f"{prefix}.self_attn.v_proj", kv_width, hidden, 1, qkv_bias)
        matrix(f"{prefix}.self_attn.o_proj", hidden, heads * head_dim, 1, config.get("attention_bias", False))
        norm(f"{prefix}.post_attention_layernorm")
        matrix(f"{prefix}.mlp.gate_proj", ffn, hidden)
        matrix(f"{prefix}.mlp.up_proj", ffn, hidden)
        matrix(f"{prefix}.mlp.down_proj", hidden, ffn)
    norm("model.norm")
    if not config["tie_word_embeddings"]:
        matrix("lm_head", VOCAB, hidden)
    return tensors


def logits(config: dict, tensors: dict[str, np.ndarray], dtype: torch.dtype = torch.float32) -> np.ndarray:
    """[prompt, vocab], of a folder as it lies on the hub."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "config.json").write_text(json.dumps(config), encoding="utf-8")
        save_file(tensors, str(Path(folder, "model.safetensors")), {"format": "pt"})
        model, info = AutoModelForCausalLM.from_pretrained(
            folder, attn_implementation="eager", dtype=torch.float32, output_loading_info=True
        )
    if any(info.values()):
        raise SystemExit(f"the weights do not fit the config: {info}")
    with torch.no_grad():
        return model.eval().to(dtype)(torch.tensor([PROMPT_IDS])).logits[0].double().numpy()


def ablations(config: dict, tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The logits of a forward that gets a part wrong."""
    rope_key = "rope_parameters" if "rope_parameters" in config else "rope_scaling"
    rope = config.get(rope_key) or {}
    theta = config.get("rope_theta", rope.get("rope_theta", 10000.0))
    rest = {key: value for key, value in config.items() if key != rope_key}
    found = {"theta": logits({**rest, "rope_theta": 3 * theta}, tensors)}
    if "factor" in rope:
        found["scaling"] = logits({**rest, "rope_theta": theta}, tensors)
    for part in ["q_proj.bias", "k_proj.bias", "v_proj.bias", "o_proj.bias"]:
        if any(name.endswith(part) for name in tensors):
            zeroed = {name: np.zeros_like(value) if name.endswith(part) else value for name, value in tensors.items()}
            found[part] = logits(config, zeroed)
    return found


def make_family(name: str, config: dict, seed: int) -> dict:
    tensors = make_weights(config, seed)
    got = logits(config, tensors)
    rounding = np.abs(got - logits(config, tensors, torch.float64)).max()
    if rounding > TOLERANCE:
        raise SystemExit(f"{name}: logits differ by {rounding:.2g} from those in double precision")
    effects = {part: np.abs(got - other)[POSITIONS].max() for part, other in ablations(config, tensors).items()}
    shown = ", ".join(f"{part} {effect:.2f}" for part, effect in effects.items())
    print(f"{name}: largest {np.abs(got).max():.2f}, float64 within {rounding:.1e}; effects: {shown}")
    if any(effect < MATTERS for effect in effects.values()):
        raise SystemExit(f"{name}: a part hardly matters")
    digest = hashlib.sha256(b"".join(value.astype("<f4").tobytes() for value in tensors.values())).hexdigest()
    rows = [[float(f"{value:.6g}") for value in got[position]] for position in POSITIONS]
    return {"name": name, "seed": seed, "config": config, "weights": digest, "logits": rows}


def main() -> None:
    torch.use_deterministic_algorithms(True)
    disable_progress_bar()
    compact = {"separators": (",", ":")}
    families = [
        make_family(name, config, FIRST_SEED + index) for index, (name, config) in enumerate(FAMILIES.items())
    ]
    head = {
        "madeWith": {package: version(package) for package in ["transformers", "torch"]},
        "promptIds": PROMPT_IDS,
        "positions": POSITIONS,
    }
    lines = [f"{json.dumps(key)}:{json.dumps(value, **compact)}" for key, value in head.items()]
    body = ",\n".join(json.dumps(family, **compact) for family in families)
    text = "{\n" + ",\n".join(lines) + ',\n"families":[\n' + body + "\n]\n}\n"
    (HERE / "families.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
