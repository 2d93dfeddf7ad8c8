import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openModel } from '@sliceway/model';
import { tinyModel } from '@sliceway/testing';
import { PromptEncoder } from './prompt-encoder.js';
import { ThreadedEncoder } from './threaded-encoder.js';

const folder = mkdtempSync(join(tmpdir(), 'sliceway-encoder-'));
afterAll(() => rmSync(folder, { recursive: true }));
const hello = [{ role: 'user' as const, content: 'hello' }];

describe('ThreadedEncoder', () => {
  test('answers each prompt as the encoder itself does', async () => {
    const modelPath = tinyModel(folder);
    const file = openModel(modelPath);
    const inline = new PromptEncoder(file);
    file.close();
    const threaded = new ThreadedEncoder(modelPath);
    const [text, messages, ids, ...refused] = await Promise.allSettled([
      threaded.encode({ text: 'hello the' }),
      threaded.encode({ messages: hello }),
      threaded.encode({ ids: [264, 263] }, { withText: true }),
      threaded.encode({ text: '' }),
      threaded.encode({ ids: [999] }),
      threaded.encode({ text: 'hello' }, { deadlineMs: Date.now() - 1 }),
    ]);
    expect(text).toMatchObject({ value: inline.encode({ text: 'hello the' }) });
    expect(messages).toMatchObject({
      value: { ids: inline.encode({ messages: hello }).ids, templateTs: [expect.any(Number), expect.any(Number)] },
    });
    expect(ids).toMatchObject({ value: { ids: [264, 263], text: 'hello the', templateTs: null } });
    const codes = refused.map((each) => (each as PromiseRejectedResult).reason.code as string);
    expect(codes).toEqual(['empty_prompt', 'bad_token_id', 'deadline']);
    await threaded.close();
  });

  test('a thread that dies takes its prompts with it, and the next one starts another', async () => {
    const threaded = new ThreadedEncoder(join(folder, 'late.gguf'));
    const lost = [threaded.encode({ text: 'a' }), threaded.encode({ text: 'b' })];
    for (const one of lost) await expect(one).rejects.toThrow('the encoder thread died');
    renameSync(tinyModel(folder, { seed: 5 }), join(folder, 'late.gguf'));
    expect(await threaded.encode({ text: 'c' })).toMatchObject({ ids: [0x63] });
    await threaded.close();
  });

  test('closing gives up what is under way', async () => {
    const threaded = new ThreadedEncoder(tinyModel(folder));
    const given = expect(threaded.encode({ text: 'a' })).rejects.toThrow('closed');
    await threaded.close();
    await given;
  });
});
