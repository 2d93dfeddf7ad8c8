/** How a text is cut into pieces before BPE, which never merges across them. */
export interface PreTokenizer {
  /** Its matches are the pieces; they cover any text. */
  readonly pattern: RegExp;
  /** A piece that is a vocabulary entry becomes that token, even if no sequence of merges leads to it. */
  readonly ignoreMerges: boolean;
  /** Whether the file's prompts begin with BOS where `tokenizer.ggml.add_bos_token` is absent. */
  readonly addBos: boolean;
}

// llama.cpp's whitespace (unicode_set_whitespace) is Unicode's White_Space; JavaScript's \s has U+FEFF and lacks U+0085.
const SPACE = '\\p{White_Space}';
const WORDS = `'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+`;
const OTHERS = `[^${SPACE}\\p{L}\\p{N}]+`;
const CASELESS_WORDS = `'(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+`;
const LINES = `${SPACE}*[\\r\\n]+|${SPACE}+(?!\\P{White_Space})|${SPACE}+`;

/**
 * The pre-tokenizers of llama.cpp by `tokenizer.ggml.pre` (`llm_tokenizer_bpe` in src/llama-vocab.cpp and
 * `unicode_regex_split` in src/unicode.cpp). No normalizer belongs to them: llama.cpp applies none, not even the NFC of
 * qwen2's tokenizer.json. Letters are those of Node's Unicode version: ones younger than llama.cpp's may be cut otherwise.
 */
const PRE_TOKENIZERS: Readonly<Record<string, PreTokenizer>> = {
  'gpt-2': {
    pattern: regex(`${WORDS}| ?\\p{N}+| ?${OTHERS}|${SPACE}+(?!\\P{White_Space})|${SPACE}+`),
    ignoreMerges: false,
    addBos: false,
  },
  // llama.cpp first isolates each \p{N}, then cuts what lies between as gpt-2 does. In one pass: whitespace before a digit
  // ends such a part, so that all of it is one piece.
  smollm: {
    pattern: regex(`\\p{N}|${WORDS}| ?${OTHERS}|${SPACE}+(?![^${SPACE}\\p{N}])|${SPACE}+`),
    ignoreMerges: false,
    addBos: false,
  },
  'llama-bpe': {
    pattern: regex(`${CASELESS_WORDS}|\\p{N}{1,3}| ?${OTHERS}[\\r\\n]*|${LINES}`),
    ignoreMerges: true,
    addBos: true,
  },
  qwen2: {
    pattern: regex(`${CASELESS_WORDS}|\\p{N}| ?${OTHERS}[\\r\\n]*|${LINES}`),
    ignoreMerges: false,
    addBos: false,
  },
};

/** Other names of llama.cpp for the same (`llama_vocab::impl::load`), but for those of models that write no text. */
const ALIASES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'gpt-2': 'phi-2 gigachat a.x-4.0 mellum exaone4',
    'llama-bpe': 'llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2',
    qwen2: 'deepseek-r1-qwen kormo f2llmv2 megrez',
  }).flatMap(([name, aliases]) => aliases.split(' ').map((alias) => [alias, name] as const)),
);

export const PRE_TOKENIZER_NAMES: readonly string[] = Object.keys(PRE_TOKENIZERS);

/** @param pre `tokenizer.ggml.pre` of a GGUF file */
export function findPreTokenizer(pre: string): PreTokenizer | undefined {
  const name = ALIASES.get(pre) ?? pre;
  return Object.hasOwn(PRE_TOKENIZERS, name) ? PRE_TOKENIZERS[name] : undefined;
}

function regex(source: string): RegExp {
  return new RegExp(source, 'gu');
}
