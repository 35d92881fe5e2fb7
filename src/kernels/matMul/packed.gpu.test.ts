import { describe } from 'vitest';
import { hasTestGpu, openTestBackend } from '../../testing/backend.ts';
import { describePackedProducts } from '../../testing/packedSuite.ts';
import { setUnpacksExactly } from '../packed.webgpu.ts';
import { tryUnpack } from '../tryUnpack.ts';
import { onlyTile, type TileName } from './chooseTile.ts';
import { matMulTuning, setMatMulTuning } from './linear.webgpu.ts';

// Compiling is what takes time here: one aligned and one ragged size a version.
describe.skipIf(!(await hasTestGpu()))('with a WebGPU adapter', () => {
  describePackedProducts('webgpu', () => openTestBackend('webgpu'), async (run) => {
    const tuning = matMulTuning();
    await run('as opened', [[1, 36, 40], [33, 36, 64], [21, 35, 9]]);
    for (const tile of ['register4x4', 'shared32'] as TileName[]) {
      setMatMulTuning(onlyTile(tile));
      await run(tile, [[33, 36, 64], [21, 35, 9]]);
    }
    // The last with the device's own decoding, where it is exact.
    await tryUnpack();
    setMatMulTuning({ ...onlyTile('shared32'), fewRows: 8 });
    await run('few rows', [[3, 64, 36], [2, 7, 9]]);
    setMatMulTuning(tuning);
    setUnpacksExactly(false);
  });
});
