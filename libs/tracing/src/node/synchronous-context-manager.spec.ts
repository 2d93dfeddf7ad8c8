import { EventEmitter } from 'node:events';
import { createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';
import { SynchronousContextManager } from './synchronous-context-manager.js';

const KEY = createContextKey('key');
const manager = new SynchronousContextManager().enable();
const inner = ROOT_CONTEXT.setValue(KEY, 'inner');
const active = (): unknown => manager.active().getValue(KEY);

it('is active while the call runs, also where it throws', () => {
  const seen = manager.with(
    inner,
    function (this: string, suffix: string) {
      return `${active()} ${this} ${suffix} ${manager.with(ROOT_CONTEXT, active)} ${active()}`;
    },
    'this',
    'argument',
  );
  expect(seen).toBe('inner this argument undefined inner');
  const fail = (): never => {
    throw new Error('lost');
  };
  expect(() => manager.with(inner, fail)).toThrow('lost');
  expect(active()).toBeUndefined();
});

it('does not go on beyond an await', async () => {
  const [before, after] = await manager.with(inner, async () => {
    const first = active();
    await null;
    return [first, active()];
  });
  expect([before, after]).toEqual(['inner', undefined]);
});

it('is that of bound functions and of the events of bound emitters', () => {
  expect(manager.bind(inner, active)()).toBe('inner');
  const emitter = manager.bind(inner, new EventEmitter());
  const seen: unknown[] = [];
  emitter.once('event', () => seen.push(active()));
  emitter.emit('event');
  expect([seen, active()]).toEqual([['inner'], undefined]);
});
