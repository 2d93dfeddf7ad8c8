"""llama.cpp on the CPU with nothing rounded below F32: F32 weights, F32 KV cache, no flash attention."""

import ctypes
import sys

import llama_cpp
import numpy as np


# ggml.h; the Python package does not name it.
GGML_LOG_LEVEL_ERROR = 4


@llama_cpp.llama_log_callback
def _only_errors(level, text, _user_data):
    if level == GGML_LOG_LEVEL_ERROR:
        print(text.decode(errors="replace"), end="", file=sys.stderr)


llama_cpp.llama_log_set(_only_errors, ctypes.c_void_p(0))


class LlamaCppF32:
    """One F32 GGUF and one sequence. `forward` appends tokens and returns logits [tokens, vocab]."""

    def __init__(self, path: str, context: int):
        self._model = llama_cpp.llama_model_load_from_file(path.encode(), llama_cpp.llama_model_default_params())
        if not self._model:
            raise RuntimeError(f"llama.cpp cannot load {path}")
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = context
        params.type_k = params.type_v = llama_cpp.GGML_TYPE_F32
        params.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
        params.n_threads = params.n_threads_batch = 2
        self._context = llama_cpp.llama_init_from_model(self._model, params)
        if not self._context:
            raise RuntimeError(f"llama.cpp cannot run {path}")
        self._vocab = llama_cpp.llama_model_get_vocab(self._model)
        self.vocab_size = llama_cpp.llama_vocab_n_tokens(self._vocab)
        self._length = 0

    def tokenize(self, text: str) -> list[int]:
        """Special tokens are parsed; a BOS is added only if the model's metadata says so."""
        data = text.encode()
        ids = (llama_cpp.llama_token * (len(data) + 1))()
        add_bos = llama_cpp.llama_vocab_get_add_bos(self._vocab)
        count = llama_cpp.llama_tokenize(self._vocab, data, len(data), ids, len(ids), add_bos, True)
        if count < 0:
            raise RuntimeError(f"llama.cpp cannot tokenize {text!r}")
        return list(ids[:count])

    def is_end(self, token: int) -> bool:
        return bool(llama_cpp.llama_vocab_is_eog(self._vocab, token))

    def clear(self) -> None:
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self._context), True)
        self._length = 0

    def forward(self, ids: list[int]) -> np.ndarray:
        batch = llama_cpp.llama_batch_init(len(ids), 0, 1)
        batch.n_tokens = len(ids)
        for i, token in enumerate(ids):
            batch.token[i] = token
            batch.pos[i] = self._length + i
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = 0
            batch.logits[i] = 1
        status = llama_cpp.llama_decode(self._context, batch)
        llama_cpp.llama_batch_free(batch)
        if status != 0:
            raise RuntimeError(f"llama_decode answered {status}")
        self._length += len(ids)
        logits = llama_cpp.llama_get_logits(self._context)
        return np.ctypeslib.as_array(logits, (len(ids), self.vocab_size)).copy()


def greedy(model: LlamaCppF32, prompt_ids: list[int], count: int) -> tuple[np.ndarray, list[int], list[list[float]]]:
    """The prompt's logits, at most `count` greedy tokens (an end token is the last one), and each step's
    [best id, its logit, second id, its logit]."""
    model.clear()
    prompt_logits = model.forward(prompt_ids)
    ids, best_two, logits = [], [], prompt_logits[-1]
    while True:
        # A stable sort: of two equal logits the lower id is first.
        first, second = (int(i) for i in np.argsort(-logits, kind="stable")[:2])
        ids.append(first)
        best_two.append([first, significant(logits[first]), second, significant(logits[second])])
        if len(ids) == count or model.is_end(first):
            return prompt_logits, ids, best_two
        logits = model.forward([first])[-1]


def significant(value: float) -> float:
    """Seven digits: logits below 100 are then within 5e-6, a thousandth of what is tested."""
    return float(f"{value:.7g}")
