import { join } from 'node:path';
import { writeGguf } from './gguf-writer.js';
import { temporaryFolder } from './temporary-gguf.fixture.js';

const path = join(temporaryFolder(), 'model.gguf');

describe('writeGguf', () => {
  test.each([
    ['too few floats', { name: 't', type: 'F32', shape: [2], data: Float32Array.of(1) }, 'bad_tensor'],
    ['too many bytes', { name: 't', type: 'Q8_0', shape: [32], data: new Uint8Array(35) }, 'bad_tensor'],
    ['half a block', { name: 't', type: 'Q8_0', shape: [16], data: new Uint8Array(17) }, 'bad_tensor'],
    ['floats for a quantized type', { name: 't', type: 'Q8_0', shape: [32], data: new Float32Array(32) }, 'bad_tensor'],
    ['an unknown type', { name: 't', type: 'F99', shape: [1], data: new Uint8Array(4) }, 'unknown_tensor_type'],
  ])('refuses %s', (_, tensor, code) => {
    expect(() => writeGguf(path, {}, [tensor])).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining('tensor t') }),
    );
  });
});
