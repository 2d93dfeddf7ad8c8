"""Numbers that any language repeats bit by bit; in TypeScript it is libs/testing/src/mulberry32.ts."""


class Uniform:
    """Numbers in [-1, 1): 2 * mulberry32() - 1, from a state that starts as `seed`.

    state = (state + 0x6D2B79F5) mod 2^32;  t = state
    t = imul(t ^ (t >>> 15), t | 1);  t = t ^ (t + imul(t ^ (t >>> 7), t | 61));  (t ^ (t >>> 14)) / 2^32
    """

    def __init__(self, seed: int):
        self._state = seed

    def next(self) -> float:
        mask = 0xFFFFFFFF
        self._state = t = (self._state + 0x6D2B79F5) & mask
        t = (t ^ (t >> 15)) * (t | 1) & mask
        t ^= (t + ((t ^ (t >> 7)) * (t | 61) & mask)) & mask
        return 2 * ((t ^ (t >> 14)) / 2**32) - 1
