import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';

/** Lines that a program with a logger writes; `context` is what each line has of the moment. */
async function lines(program: string): Promise<{ text: string; line: Record<string, unknown> }[]> {
  const module = (name: string): string => new URL(name, import.meta.url).href;
  const script = `
    import { createLogger, requestLogger } from '${module('logger.js')}';
    const context = { trace_id: 'moment', span_id: 'moment', rid: 'moment' };
    const logger = createLogger('gateway', 'info', () => context);
    const traced = { current: () => ({ traceId: 'own-trace', spanId: 'own-span' }) };
    const untraced = { current: () => null };
    ${program}`;
  const options = { cwd: fileURLToPath(new URL('.', import.meta.url)) };
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], options);
  return stdout
    .trim()
    .split('\n')
    .map((text) => ({ text, line: JSON.parse(text) as Record<string, unknown> }));
}

describe('createLogger', () => {
  it('adds what belongs to the moment, unless the line has its own', async () => {
    const [first, second] = await lines(`logger.info('a'); logger.info({ rid: 'own' }, 'b');`);
    expect(first!.line).toMatchObject({ msg: 'a', trace_id: 'moment', span_id: 'moment', rid: 'moment' });
    expect(second!.line).toMatchObject({ msg: 'b', trace_id: 'moment', rid: 'own' });
    expect(second!.text.match(/"rid"/g)).toHaveLength(1);
  });
});

describe('requestLogger', () => {
  it("has its request's fields on each line, once", async () => {
    const [parent, child, grandchild] = await lines(`
      const request = requestLogger(logger, 'own-rid', traced);
      logger.info('parent');
      request.info('child');
      request.child({ more: 1 }).info('grandchild');`);
    const own = { rid: 'own-rid', trace_id: 'own-trace', span_id: 'own-span' };
    expect(parent!.line).toMatchObject({ rid: 'moment' });
    expect(child!.line).toMatchObject({ msg: 'child', ...own });
    expect(grandchild!.line).toMatchObject({ msg: 'grandchild', more: 1, ...own });
    for (const { text } of [child!, grandchild!]) {
      for (const field of ['"rid"', '"trace_id"', '"span_id"']) expect(text.split(field)).toHaveLength(2);
    }
  });

  it('has no trace of a request that is not recorded', async () => {
    const [only] = await lines(`requestLogger(logger, 'own-rid', untraced).info('a');`);
    expect(only!.line).toMatchObject({ rid: 'own-rid' });
    expect(only!.line).not.toHaveProperty('trace_id');
  });
});
