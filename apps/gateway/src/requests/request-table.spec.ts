import { FinishReason, type TextEntry } from '@sliceway/protocol';
import { RID, setUp, text, TOKENIZER } from './lifecycle.fixture.js';
import { RequestTable } from './request-table.js';

const frame = (entries: TextEntry[]) => ({ sender: TOKENIZER, seq: 0, count: entries.length, entries });

async function running() {
  let late = 0;
  const table = new RequestTable(() => (late += 1));
  const parts = setUp();
  table.add(parts.lifecycle);
  void parts.lifecycle.start();
  await parts.cluster.encoded();
  return { table, late: () => late, ...parts };
}

describe('RequestTable', () => {
  it('takes an entry to its request, and drops and counts those of nobody', async () => {
    const { table, sink, late } = await running();
    table.onTextFrame(frame([text({ rid: 'ff'.repeat(16) }), text({ finish: FinishReason.stop })]));
    expect(sink.calls.at(-1)).toBe('end 3 + 1');
    table.remove(RID);
    expect(() => table.onTextFrame(frame([text({ index: 1 })]))).not.toThrow();
    expect(late()).toBe(2);
  });

  it('fails requests of a tokenizer whose frames are missing', async () => {
    const { table, observer } = await running();
    table.onTextFrame(frame([text()]));
    table.onFramesLost('0000ffff');
    expect(observer.ends).toEqual([]);
    table.onFramesLost(TOKENIZER);
    expect(observer.ends).toEqual([['failed', 'frame_lost']]);
  });

  it('leaves those alone that came after the frames were lost', async () => {
    const beforeMs = performance.now() - 1;
    const { table, observer } = await running();
    table.onTextFrame(frame([text()]));
    table.onFramesLost(TOKENIZER, beforeMs);
    expect(observer.ends).toEqual([]);
    table.onFramesLost(TOKENIZER, performance.now());
    expect(observer.ends).toEqual([['failed', 'frame_lost']]);
  });

  it('a request whose client breaks does not hurt the others', async () => {
    const broken = await running();
    const { lifecycle, sink, cluster } = setUp();
    void lifecycle.start();
    await cluster.encoded();
    broken.table.add(Object.assign(lifecycle, { rid: 'ee'.repeat(16) }));
    broken.sink.text = () => {
      throw new Error('broken');
    };
    broken.table.onTextFrame(frame([text(), text({ rid: 'ee'.repeat(16) })]));
    expect(broken.observer.ends).toEqual([['failed', 'internal_error']]);
    expect(sink.calls.at(-1)).toBe('text 0 a');
    lifecycle.abort('client_disconnected');
  });

  it('names the worker that failed', async () => {
    const { table, sink } = await running();
    const from = { role: 'decode', instance: '00000003' } as const;
    table.onTextFrame(frame([text()]));
    table.onFailed({ rid: RID, choice: null, attempt: 0, code: 'kv_timeout', message: 'no KV for 30 s', from });
    expect(sink.error?.message).toBe('A worker failed: decode 00000003: no KV for 30 s.');
  });
});
