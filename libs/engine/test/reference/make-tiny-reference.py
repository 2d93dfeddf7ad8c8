#!/usr/bin/env python3
"""Makes tiny-llama.json: what llama.cpp answers with a tiny Llama of pseudo-random F32 weights.

Installed as make-reference.py says; from the repository's root:

    .cache/reference/bin/python libs/engine/test/reference/make-tiny-reference.py

The weights come from a generator that any language repeats bit by bit:
    u()     one number in [-1, 1) from one generator for the whole model, see mulberry32.py
    matrix  [out, in], filled row by row: f32(u() / sqrt(in)), in double precision until the last rounding
    norm    [width]: f32(1 + 0.1 * u())
    order   token_embd; per layer attn_norm, attn_q, attn_k, attn_v, attn_output, ffn_norm, ffn_gate, ffn_up, ffn_down;
            output_norm; output. token_embd is [vocab, hidden] with in = hidden.
They are stored so: GGUF's llama layout, in which RoPE turns the neighbouring pairs (2i, 2i + 1) of a head.

tiny-llama.json:
    generator    name and seed
    metadata     of the GGUF; output is a matrix of its own (not token_embd)
    weights      of all tensors in that order, as little-endian F32: count, first and last four, SHA-256
    promptIds    24 ids
    logits       position in the prompt (from 0) to the 256 logits after it
    tokenIds     16 greedy tokens after the prompt; bestTwo as in reference.json
"""

import hashlib
import json
import math
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
from gguf import GGUFWriter

from float64_llama import Float64Llama
from llama_cpp_f32 import LlamaCppF32, greedy, significant
from mulberry32 import Uniform

HERE = Path(__file__).parent
# Many seeds (42, for one) answer with a single token over and over. With this one 10 of the 16 tokens are distinct, the
# two best logits are never closer than 0.029, and leaving RoPE out moves a logit by 0.87.
SEED = 49
HIDDEN, LAYERS, HEADS, KV_HEADS, FFN, VOCAB, CONTEXT = 64, 2, 4, 2, 128, 256, 512
ROPE_THETA, RMS_EPS = 10_000.0, 1e-5
PROMPT_IDS = [(7 + 37 * i) % VOCAB for i in range(24)]
LOGIT_POSITIONS = [10, 23]
NEW_TOKENS = 16
# F32 rounding only (7e-7 seen).
TOLERANCE = 1e-5


def make_weights() -> dict[str, np.ndarray]:
    """The tensors in the generator's order."""
    uniform, tensors = Uniform(SEED), {}

    def matrix(name: str, outputs: int, inputs: int) -> None:
        values = [uniform.next() / math.sqrt(inputs) for _ in range(outputs * inputs)]
        tensors[f"{name}.weight"] = np.array(values, dtype=np.float32).reshape(outputs, inputs)

    def norm(name: str) -> None:
        tensors[f"{name}.weight"] = np.array([1 + 0.1 * uniform.next() for _ in range(HIDDEN)], dtype=np.float32)

    kv_width = HIDDEN // HEADS * KV_HEADS
    matrix("token_embd", VOCAB, HIDDEN)
    for layer in range(LAYERS):
        norm(f"blk.{layer}.attn_norm")
        matrix(f"blk.{layer}.attn_q", HIDDEN, HIDDEN)
        matrix(f"blk.{layer}.attn_k", kv_width, HIDDEN)
        matrix(f"blk.{layer}.attn_v", kv_width, HIDDEN)
        matrix(f"blk.{layer}.attn_output", HIDDEN, HIDDEN)
        norm(f"blk.{layer}.ffn_norm")
        matrix(f"blk.{layer}.ffn_gate", FFN, HIDDEN)
        matrix(f"blk.{layer}.ffn_up", FFN, HIDDEN)
        matrix(f"blk.{layer}.ffn_down", HIDDEN, FFN)
    norm("output_norm")
    matrix("output", VOCAB, HIDDEN)
    return tensors


METADATA = {
    "general.architecture": "llama",
    "llama.block_count": LAYERS,
    "llama.context_length": CONTEXT,
    "llama.embedding_length": HIDDEN,
    "llama.feed_forward_length": FFN,
    "llama.attention.head_count": HEADS,
    "llama.attention.head_count_kv": KV_HEADS,
    "llama.attention.layer_norm_rms_epsilon": RMS_EPS,
    "llama.rope.freq_base": ROPE_THETA,
    "llama.rope.dimension_count": HIDDEN // HEADS,
    "llama.vocab_size": VOCAB,
    "tokenizer.ggml.model": "no_vocab",
}


def write_gguf(path: str, tensors: dict[str, np.ndarray]) -> None:
    writer = GGUFWriter(path, arch=METADATA["general.architecture"])
    for key, value in METADATA.items():
        if key == "general.architecture":
            continue
        if isinstance(value, str):
            writer.add_string(key, value)
        elif isinstance(value, float):
            writer.add_float32(key, value)
        else:
            writer.add_uint32(key, value)
    for name, data in tensors.items():
        writer.add_tensor(name, data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    tensors = make_weights()
    values = np.concatenate([data.ravel() for data in tensors.values()]).astype("<f4")
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "tiny-llama.gguf"))
        write_gguf(path, tensors)
        model, exact = LlamaCppF32(path, 64), Float64Llama(path)
        logits, ids, best_two = greedy(model, PROMPT_IDS, NEW_TOKENS)
        expected = exact.logits(PROMPT_IDS + ids[:-1])
    if expected[len(PROMPT_IDS) - 1 :].argmax(axis=1).tolist() != ids:
        raise SystemExit("the double-precision forward picks other tokens")
    worst = np.abs(expected[: len(PROMPT_IDS)] - logits).max()
    if worst > TOLERANCE:
        raise SystemExit(f"logits differ by {worst:.2g} from the double-precision forward")
    print(f"smallest gap {min(step[1] - step[3] for step in best_two):.4f}, float64 within {worst:.1e}")
    fields = {
        "generator": {"name": "mulberry32", "seed": SEED},
        "metadata": METADATA,
        "weights": {
            "count": len(values),
            "first": [float(v) for v in values[:4]],
            "last": [float(v) for v in values[-4:]],
            "sha256": hashlib.sha256(values.tobytes()).hexdigest(),
        },
        "madeWith": {"llamaCppPython": version("llama-cpp-python"), "gguf": version("gguf")},
        "promptIds": PROMPT_IDS,
        "logits": {str(p): [significant(v) for v in logits[p]] for p in LOGIT_POSITIONS},
        "tokenIds": ids,
        "bestTwo": best_two,
    }
    lines = [f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'))}" for key, value in fields.items()]
    (HERE / "tiny-llama.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
