// Compiles the AssemblyScript kernels to dist/kernels/*.wasm.
import { main } from 'assemblyscript/asc';

const common = ['--runtime', 'stub', '--noAssert', '--optimizeLevel', '3', '--enable', 'simd', '--importMemory'];
const modules = [
  { name: 'elementwise', flags: ['--initialMemory', '0'] },
  {
    name: 'attention',
    flags: ['--enable', 'threads', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536'],
  },
];

for (const { name, flags } of modules) {
  const out = `dist/kernels/${name}.wasm`;
  const { error, stderr } = await main([`src/kernels/assembly/${name}.ts`, '--outFile', out, ...common, ...flags]);
  if (error) {
    process.stderr.write(stderr.toString());
    throw error;
  }
}
