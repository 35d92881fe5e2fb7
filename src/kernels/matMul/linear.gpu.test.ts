import { describe } from 'vitest';
import { hasTestGpu, openTestBackend } from '../../testing/backend.ts';
import { describeLinear } from '../../testing/linearSuite.ts';
import { type MatMulTuning, onlyTile } from './chooseTile.ts';
import { setMatMulTuning } from './linear.webgpu.ts';

describe.skipIf(!(await hasTestGpu()))('with a WebGPU adapter', () => {
  // Every version is right on every device, whichever is chosen there.
  const versions: [string, MatMulTuning | null, readonly (readonly [number, number, number])[]][] = [
    ['as chosen', null, [[1, 40, 70], [65, 63, 257], [7, 4096, 20]]],
    ...(['quad8x4', 'register4x4', 'shared32', 'shared64'] as const).map((tile): [string, MatMulTuning, [number, number, number][]] => [tile, onlyTile(tile), [[40, 68, 64], [37, 35, 9]]]),
    ['few rows', { ...onlyTile('shared32'), fewRows: 8 }, [[2, 40, 70], [8, 33, 5]]],
  ];
  describe.each(versions)('%s', (_, tuning, sizes) => {
    describeLinear(
      'webgpu',
      async () => {
        const opened = await openTestBackend('webgpu');
        if (tuning) setMatMulTuning(tuning);
        return opened;
      },
      sizes,
      // Compiling is what takes time here: one of the sizes is enough.
      sizes.slice(-1),
    );
  });
});
