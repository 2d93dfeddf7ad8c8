import { monitorEventLoopDelay } from 'node:perf_hooks';
import { LocalEngine } from '@sliceway/engine';

/** SmolLM2-135M-Instruct itself; `npm test` provides the file. */
const modelPath = process.env['SLICEWAY_MODEL']!;

describe('LocalEngine with SmolLM2', () => {
  let local: LocalEngine;

  beforeAll(async () => {
    local = await LocalEngine.start({ modelPath, backend: 'wasm', kvMemoryMb: 256 });
  });

  afterAll(() => local.close());

  it('answers a question', async () => {
    let text = '';
    const messages = [{ role: 'user', content: 'What is the capital of France?' }] as const;
    for await (const chunk of local.generate({ messages }, { maxNewTokens: 24 })) text += chunk.text;
    expect(text).toContain('Paris');
  });

  it('ends at a stop string, which is not part of the text', async () => {
    let text = '';
    let finish: string | null = null;
    const messages = [{ role: 'user', content: 'What is the capital of France?' }] as const;
    for await (const chunk of local.generate({ messages }, { maxNewTokens: 24, stop: [' is Par'] })) {
      text += chunk.text;
      finish = chunk.finishReason;
    }
    expect([text, finish]).toEqual(['The capital of France', 'stop']);
  });

  it('frees a generation that is left early', async () => {
    for await (const chunk of local.generate('Once upon a time', { maxNewTokens: 100 }))
      if (chunk.text.length > 0) break;
    while (local.engine.load.kvPagesUsed > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(local.engine.load.running).toBe(0);
  });

  it('keeps the serving thread free during a prefill of 1,000 tokens', async () => {
    const delay = monitorEventLoopDelay({ resolution: 5 });
    const ids = Array.from({ length: 1000 }, (_, i) => 1000 + i);
    delay.enable();
    for await (const event of local.generateTokens({ ids }, { maxNewTokens: 1 })) expect(event.index).toBe(0);
    delay.disable();
    // The machine may be busy with others for a moment, but a chunk takes longer than that.
    expect(delay.percentile(95) / 1e6).toBeLessThan(50);
    expect(delay.max / 1e6).toBeLessThan(250);
  });
});
