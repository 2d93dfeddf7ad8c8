#!/usr/bin/env python3
"""Makes dequantize.json: what the gguf package makes of random blocks of every tensor type that the engine reads.

Installed as make-reference.py says; from the repository's root:

    .cache/reference/bin/python libs/engine/test/reference/make-dequantize-reference.py

dequantize.json: by ggml's name of the type, both in base64
    bytes     blocks of random bytes, whose f16 scales are sane, positive and negative, and one of them subnormal
    floats    their values, little-endian F32
"""

import base64
import json
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize

HERE = Path(__file__).parent
VALUES = 512
# Where the f16 numbers of a block lie; all else is random.
SCALES = {
    "Q8_0": [0],
    "Q4_0": [0],
    "Q4_1": [0, 2],
    "Q5_0": [0],
    "Q5_1": [0, 2],
    "Q4_K": [0, 2],
    "Q5_K": [0, 2],
    "Q6_K": [208],
}
PLAIN = ["F32", "F16", "BF16"]


def random_blocks(name: str, random: np.random.Generator) -> np.ndarray:
    block_size, block_bytes = GGML_QUANT_SIZES[GGMLQuantizationType[name]]
    count = VALUES // block_size
    blocks = random.integers(0, 256, (count, block_bytes), dtype=np.uint8)
    for at in SCALES[name]:
        scales = random.normal(0, 0.05, count).astype("<f2")
        scales[-1] = 5 * 2.0**-24
        blocks[:, at : at + 2] = scales.view(np.uint8).reshape(count, 2)
    return blocks.ravel()


def plain_values(name: str, random: np.random.Generator) -> np.ndarray:
    values = random.normal(0, 1, 64).astype("<f4")
    values[:5] = [0, -0.0, np.inf, 1e-40, -65504]
    if name == "F32":
        return values.view(np.uint8)
    if name == "F16":
        return values.astype("<f2").view(np.uint8)
    return (values.view("<u4") >> 16).astype("<u2").view(np.uint8)


def main() -> None:
    random = np.random.default_rng(5)
    lines = []
    for name in [*PLAIN, *SCALES]:
        blob = plain_values(name, random) if name in PLAIN else random_blocks(name, random)
        floats = dequantize(blob, GGMLQuantizationType[name]).astype("<f4").ravel()
        fields = {"bytes": blob, "floats": floats}
        encoded = {key: base64.b64encode(value.tobytes()).decode() for key, value in fields.items()}
        lines.append(f"{json.dumps(name)}:{json.dumps(encoded)}")
    (HERE / "dequantize.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
