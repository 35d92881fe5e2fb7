import { describe } from 'vitest';
import { hasTestGpu, openTestBackend } from '../../testing/backend.ts';
import { describeLinear } from '../../testing/linearSuite.ts';
import { gpuSizes } from '../../testing/matMulCases.ts';
import type { MatMulTuning, TileName } from './chooseTile.ts';
import { setMatMulTuning } from './linear.webgpu.ts';

describe.skipIf(!(await hasTestGpu()))('with a WebGPU adapter', () => {
  const only = (tile: TileName): MatMulTuning => ({ large: tile, small: tile, smallBelow: 0, fewRows: 0 });
  // Every version is right on every device, whichever is chosen there. The largest takes long to compile: tuning checks it before use.
  const versions: [string, MatMulTuning | null][] = [['as chosen', null], ...(['quad8x4', 'register4x4', 'shared32', 'shared64'] as const).map((tile): [string, MatMulTuning] => [tile, only(tile)])];
  describe.each(versions)('%s', (_, tuning) => {
    describeLinear(
      'webgpu',
      async () => {
        const opened = await openTestBackend('webgpu');
        if (tuning) setMatMulTuning(tuning);
        return opened;
      },
      tuning ? [[37, 35, 9], [40, 68, 64], [70, 36, 44]] : gpuSizes,
    );
  });
});
