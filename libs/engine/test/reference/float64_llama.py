"""The Llama forward in NumPy, in double precision: a second opinion on what llama.cpp answers."""

import numpy as np
from gguf import GGUFReader


class Float64Llama:
    """Reads an F32 GGUF. Matrices are [out, in]; RoPE turns neighbouring pairs, as GGUF's llama layout has them."""

    def __init__(self, path: str):
        reader = GGUFReader(path)
        read = lambda key: reader.fields[f"llama.{key}"].contents()
        self._layers = read("block_count")
        self._heads = read("attention.head_count")
        self._kv_heads = read("attention.head_count_kv")
        self._theta = read("rope.freq_base")
        self._eps = read("attention.layer_norm_rms_epsilon")
        self._tensors = {t.name: t.data.astype(np.float64) for t in reader.tensors}
        self._output = self._tensors.get("output.weight", self._tensors["token_embd.weight"])

    def logits(self, ids: list[int]) -> np.ndarray:
        """Logits [tokens, vocab] of one sequence from position 0."""
        x = self._tensors["token_embd.weight"][ids]
        for layer in range(self._layers):
            w = lambda name: self._tensors[f"blk.{layer}.{name}.weight"]
            h = self._norm(x, w("attn_norm"))
            q = self._rope(self._split(h @ w("attn_q").T, self._heads))
            k = self._rope(self._split(h @ w("attn_k").T, self._kv_heads))
            v = self._split(h @ w("attn_v").T, self._kv_heads)
            x = x + self._attend(q, k, v) @ w("attn_output").T
            h = self._norm(x, w("ffn_norm"))
            gate = h @ w("ffn_gate").T
            x = x + (gate / (1 + np.exp(-gate)) * (h @ w("ffn_up").T)) @ w("ffn_down").T
        return self._norm(x, self._tensors["output_norm.weight"]) @ self._output.T

    def _norm(self, x: np.ndarray, weight: np.ndarray) -> np.ndarray:
        return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + self._eps) * weight

    @staticmethod
    def _split(x: np.ndarray, heads: int) -> np.ndarray:
        """[tokens, heads * dim] to [heads, tokens, dim]."""
        return x.reshape(len(x), heads, -1).transpose(1, 0, 2)

    def _rope(self, x: np.ndarray) -> np.ndarray:
        _, tokens, dim = x.shape
        angles = np.outer(np.arange(tokens), self._theta ** (-np.arange(0, dim, 2) / dim))
        turned = (x[..., 0::2] + 1j * x[..., 1::2]) * np.exp(1j * angles)
        return np.stack([turned.real, turned.imag], axis=-1).reshape(x.shape)

    def _attend(self, q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
        heads, tokens, dim = q.shape
        k, v = (np.repeat(kv, heads // self._kv_heads, axis=0) for kv in (k, v))
        scores = q @ k.transpose(0, 2, 1) / np.sqrt(dim)
        scores[:, np.triu(np.ones((tokens, tokens), dtype=bool), 1)] = -np.inf
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        return (weights @ v).transpose(1, 0, 2).reshape(tokens, -1)
