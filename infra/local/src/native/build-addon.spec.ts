import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ProvisionErrorCode } from '../provide/provision-error.js';
import { Sandbox } from '../provide/sandbox.fixture.js';
import { assertCanBuild } from './build-addon.js';
import { cudaRequirements } from './cuda-libraries.js';

describe('what building the addon needs', () => {
  let sandbox: Sandbox;

  beforeEach(async () => void (sandbox = await Sandbox.create()));
  afterEach(() => sandbox.remove());

  test('a compiler, by name or as CXX, and Python', async () => {
    const canBuild = (env = {}) => assertCanBuild('node', sandbox.config(env));
    await expect(canBuild()).rejects.toMatchObject({
      code: ProvisionErrorCode.NO_COMPILER,
      message: expect.stringContaining('apt install g++'),
    });
    const elsewhere = await sandbox.addProgram('my-c++', '', join(sandbox.directory, 'elsewhere'));
    await canBuild({ CXX: elsewhere });
    await expect(canBuild({ CXX: 'my-c++' })).rejects.toMatchObject({ code: ProvisionErrorCode.NO_COMPILER });
    await sandbox.addProgram('g++', '');
    await canBuild();
    await rm(join(sandbox.binDirectory, 'python3'));
    await expect(canBuild()).rejects.toMatchObject({
      code: ProvisionErrorCode.NO_PYTHON,
      message: expect.stringContaining('Install python3'),
    });
  });
});

test("cudaRequirements: the wheels of TensorFlow's extra, in both notations, without what is not loaded", () => {
  const metadata = `Metadata-Version: 2.1
Name: tensorflow
Provides-Extra: and-cuda
Requires-Dist: numpy <2.0.0,>=1.23.5 ; python_version <= "3.11"
Requires-Dist: nvidia-cublas-cu12 ==12.3.4.1 ; extra == 'and-cuda'
Requires-Dist: nvidia-cuda-nvcc-cu12 ==12.3.107 ; extra == 'and-cuda'
Requires-Dist: nvidia-cudnn-cu12 (==8.9.7.29) ; extra == "and-cuda"
Requires-Dist: nvidia-cuda-nvrtc-cu12 ==12.3.107 ; extra == 'and-cuda'
Requires-Dist: nvidia-curand-cu12 ==10.3.4.107 ; extra == 'and-cuda'
Requires-Dist: nvidia-nccl-cu12 ==2.19.3 ; extra == 'and-cuda'
Requires-Dist: nvidia-cufft-cu12 ==1.0 ; extra == 'other'
`;
  expect(cudaRequirements(metadata)).toEqual(['nvidia-cublas-cu12==12.3.4.1', 'nvidia-cudnn-cu12==8.9.7.29']);
});
