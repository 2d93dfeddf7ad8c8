import { ProtocolError } from '../protocol-error.js';
import { parseAbort } from './abort.js';
import { parseBootstrap } from './bootstrap.js';
import { parseEncodeReply, parseEncodeRequest } from './encode.js';
import { parseFailed } from './failed.js';
import { parseHeartbeat } from './heartbeat.js';
import { parseDecodeLeg, parsePrefillLeg } from './legs.js';

const rid = '0123456789abcdef0123456789abcdef';
const room = '00000000ffffffff';
const instance = '0a1b2c3d';
const sampling = {
  temperature: 0.7,
  topP: 1,
  topK: 0,
  minP: 0.1,
  presencePenalty: 1.5,
  frequencyPenalty: -1.5,
  repetitionPenalty: 1.1,
  logitBias: [[5, -100]],
  seed: 0xffffffff,
  maxNewTokens: 1,
  minTokens: 0,
  stopTokenIds: [2],
  ignoreEos: false,
  logprobs: 5,
};
const kvFormat = {
  engine: 'tfjs',
  dtype: 'f32',
  pageTokens: 16,
  layers: [0, 30],
  kvHeads: [0, 3],
  headDim: 64,
  layout: 'khtd',
  fingerprint: 'abc',
};
const leg = {
  rid,
  choice: 0,
  attempt: 0,
  choices: 256,
  room,
  gateway: instance,
  tokenizer: instance,
  promptIds: [1],
  sampling,
  deadlineMs: 0,
};
const load = { running: 1, waiting: 2, queuedTokens: 3, kvPagesUsed: 4, kvPagesTotal: 5, maxRunning: 6 };
const serves = {
  model: 'm',
  fingerprint: 'abc',
  contextLength: 2048,
  backend: 'wasm',
  transports: ['nats'],
  kvFormat,
  eosTokenIds: [2],
};

/** One valid example of each message. */
const examples = {
  EncodeRequest: {
    parse: parseEncodeRequest as (value: unknown) => unknown,
    value: {
      rid,
      attempt: 255,
      prompt: { messages: [{ role: 'user', content: '' }] },
      withText: false,
      deadlineMs: 0,
      output: { gateway: instance, choices: 1, stop: ['\n'] },
    },
  },
  EncodeReply: {
    parse: parseEncodeReply as (value: unknown) => unknown,
    value: { rid, promptIds: [1, 0xffffffff], text: 'a' },
  },
  PrefillLeg: { parse: parsePrefillLeg as (value: unknown) => unknown, value: { ...leg, decode: instance } },
  DecodeLeg: { parse: parseDecodeLeg as (value: unknown) => unknown, value: { ...leg, prefill: instance } },
  Bootstrap: {
    parse: parseBootstrap as (value: unknown) => unknown,
    value: { rid, choice: 0, attempt: 0, room, decode: instance, transports: ['nats'], kvFormat, window: 1 },
  },
  Abort: {
    parse: parseAbort as (value: unknown) => unknown,
    value: { rid, choice: null, attempt: 0, reason: 'client_disconnected' },
  },
  Failed: {
    parse: parseFailed as (value: unknown) => unknown,
    value: {
      rid,
      choice: 255,
      attempt: 0,
      code: 'kv_corrupt',
      message: 'why',
      from: { role: 'decode', instance },
    },
  },
  Heartbeat: {
    parse: parseHeartbeat as (value: unknown) => unknown,
    value: {
      role: 'gateway',
      instance,
      sequence: 0,
      state: 'ready',
      intervalMs: 1000,
      host: 'h',
      pid: 1,
      startedAtMs: 1_700_000_000_000,
      load,
      serves,
    },
  },
};

/** A deep copy with the value at `path` replaced, or removed when it is undefined. */
function changed(value: unknown, path: string, replacement: unknown): unknown {
  const copy = structuredClone(value) as Record<string, unknown>;
  const keys = path.split('.');
  const last = keys.pop()!;
  const owner = keys.reduce((at, key) => at[key] as Record<string, unknown>, copy);
  if (replacement === undefined) delete owner[last];
  else owner[last] = replacement;
  return copy;
}

function paths(value: unknown, prefix = ''): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [`${prefix}${key}`, ...paths(inner, `${prefix}${key}.`)]);
}

describe.each(Object.entries(examples))('%s', (name, { parse, value }) => {
  it('survives JSON, and loses fields that this version does not know', () => {
    const received = JSON.parse(JSON.stringify({ ...value, fromTheFuture: 1 })) as unknown;
    expect(parse(received)).toEqual(value);
  });

  it.each([null, undefined, 1, 'text', [], true])('refuses %j', (wrong) => {
    expect(() => parse(wrong)).toThrow(ProtocolError);
  });

  it('refuses every field that is missing or has another type, and names it', () => {
    for (const path of paths(value)) {
      const isArrayItem = /\.\d+$/.test(path);
      for (const wrong of [...(isArrayItem ? [] : [undefined]), {}, -1000.5, 'ZZ']) {
        const isFreeText =
          wrong === 'ZZ' && typeof path.split('.').reduce<never>((at, key) => at[key], value as never) === 'string';
        if (isFreeText) continue;
        let error: unknown;
        try {
          parse(changed(value, path, wrong));
        } catch (thrown) {
          error = thrown;
        }
        expect(error).toBeInstanceOf(ProtocolError);
        const { field } = error as ProtocolError;
        const owner = path.split('.')[0]!;
        expect([name, `${name}.${owner}`]).toContain(field.split(/(?<=^[^.]+\.[^.[]+)[.[]/)[0]);
      }
    }
  });
});

const limits: [string, keyof typeof examples, string, unknown, unknown][] = [
  ['rid of 32 lowercase hex', 'Abort', 'rid', rid, rid.toUpperCase()],
  ['instance of 8 hex', 'PrefillLeg', 'decode', 'ffffffff', 'fffffff'],
  ['room of 16 hex', 'Bootstrap', 'room', 'f'.repeat(16), 'f'.repeat(17)],
  ['attempt u8', 'Abort', 'attempt', 255, 256],
  ['choice + choices', 'DecodeLeg', 'choices', 256, 257],
  ['choice + choices', 'DecodeLeg', 'choice', 0, 1],
  ['prompt not empty', 'PrefillLeg', 'promptIds', [0xffffffff], []],
  ['token id u32', 'PrefillLeg', 'promptIds', [0], [2 ** 32]],
  ['temperature', 'PrefillLeg', 'sampling.temperature', 0, -0.001],
  ['temperature finite', 'PrefillLeg', 'sampling.temperature', 1e9, Infinity],
  ['topP above 0', 'PrefillLeg', 'sampling.topP', 1e-9, 0],
  ['topP to 1', 'PrefillLeg', 'sampling.topP', 1, 1.0001],
  ['minP', 'PrefillLeg', 'sampling.minP', 1, 1.01],
  ['minP', 'PrefillLeg', 'sampling.minP', 0, -0.01],
  ['presencePenalty', 'DecodeLeg', 'sampling.presencePenalty', -2, -2.1],
  ['frequencyPenalty', 'DecodeLeg', 'sampling.frequencyPenalty', 2, 2.1],
  ['repetitionPenalty above 0', 'DecodeLeg', 'sampling.repetitionPenalty', 0.01, 0],
  ['repetitionPenalty to 2', 'DecodeLeg', 'sampling.repetitionPenalty', 2, 2.01],
  ['logitBias', 'DecodeLeg', 'sampling.logitBias', [[0xffffffff, 100]], [[0, 100.5]]],
  ['logitBias of pairs', 'DecodeLeg', 'sampling.logitBias', [], [[0]]],
  ['logitBias of ids', 'DecodeLeg', 'sampling.logitBias', [[0, 0]], [[-1, 0]]],
  ['minTokens', 'DecodeLeg', 'sampling.minTokens', 0xffffffff, -1],
  ['logprobs', 'DecodeLeg', 'sampling.logprobs', 20, 21],
  ['no logprobs', 'DecodeLeg', 'sampling.logprobs', null, undefined],
  ['seed u32', 'PrefillLeg', 'sampling.seed', 0xffffffff, 2 ** 32],
  ['maxNewTokens', 'PrefillLeg', 'sampling.maxNewTokens', 1, 0],
  ['deadline', 'PrefillLeg', 'deadlineMs', 0, -1],
  ['layers run forward', 'Bootstrap', 'kvFormat.layers', [29, 30], [30, 30]],
  ['layers are two', 'Bootstrap', 'kvFormat.layers', [0, 1], [0, 1, 2]],
  ['dtype', 'Bootstrap', 'kvFormat.dtype', 'f16', 'f64'],
  ['window', 'Bootstrap', 'window', 0, -1],
  ['a transport', 'Bootstrap', 'transports', ['tcp'], []],
  ['failure code', 'Failed', 'code', 'bad_message', 'oops'],
  ['gateways do not fail to gateways', 'Failed', 'from.role', 'tokenizer', 'gateway'],
  ['state', 'Heartbeat', 'state', 'stopped', 'gone'],
  ['serves', 'Heartbeat', 'serves', null, undefined],
  ['interval', 'Heartbeat', 'intervalMs', 1, 0],
  ['choices', 'EncodeRequest', 'output.choices', 256, 257],
  ['deadline', 'EncodeRequest', 'deadlineMs', 0, -1],
  ['a flag', 'EncodeRequest', 'withText', true, 1],
  ['no text', 'EncodeReply', 'text', null, undefined],
  ['a message', 'EncodeRequest', 'prompt', { text: '' }, { messages: [] }],
  ['one prompt', 'EncodeRequest', 'prompt', { ids: [] }, { text: '', ids: [] }],
  ['a prompt', 'EncodeRequest', 'prompt', { text: 'x' }, {}],
];
it.each(limits)('%s: %s.%s takes %j and refuses %j', (_, message, path, last, first) => {
  const { parse, value } = examples[message];
  const ok = changed(value, path, last);
  expect(parse(ok)).toEqual(ok);
  expect(() => parse(changed(value, path, first))).toThrow(ProtocolError);
});

it('takes an encode error', () => {
  const reply = { rid, error: { code: 'prompt_too_long', message: 'why' } };
  expect(parseEncodeReply(reply)).toEqual(reply);
});

it('says where and what, without the text that a user wrote', () => {
  const request = changed(examples.EncodeRequest.value, 'prompt', {
    messages: [{ role: 'secret', content: 'secret' }],
  });
  expect(() => parseEncodeRequest(request)).toThrow(
    'EncodeRequest.prompt.messages[0].role: expected one of system, user, assistant, tool, got a string of 6 characters',
  );
  const topP = changed(examples.PrefillLeg.value, 'sampling.topP', 2);
  expect(() => parsePrefillLeg(topP)).toThrow('PrefillLeg.sampling.topP: expected a number in (0, 1], got 2');
});

it('does not take fields from a prototype', () => {
  const { reason: _, ...own } = examples.Abort.value;
  const inherited = Object.assign(Object.create({ reason: 'deadline' }) as object, own);
  expect(() => parseAbort(inherited)).toThrow('Abort.reason');
});
