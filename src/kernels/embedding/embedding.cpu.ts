/** CPU twin of embedding: pure functions on flat arrays. */
import { EngineError } from '../../base/errors.ts';
import type { Floats } from '../floats.ts';

function assertTokenId(id: number, vocabSize: number): void {
  if (id < 0 || id >= vocabSize) throw new EngineError('bad-argument', `embedding: token id ${id} is outside the vocabulary of ${vocabSize}.`);
}

/** out[r] = weight[inputIds[r]]. weight [V, C], inputIds [N], out [N, C]. @throws EngineError bad-argument for an id outside 0..V-1 */
export function embeddingForward(weight: Floats, inputIds: Int32Array, out: Floats, C: number): void {
  const V = weight.length / C;
  for (let r = 0; r < inputIds.length; r++) {
    const id = inputIds[r]!;
    assertTokenId(id, V);
    out.set(weight.subarray(id * C, id * C + C), r * C);
  }
}

/** gradWeight = scatter-add of gradOut rows, in row order, so the sum is the same on every run. gradWeight is overwritten. */
export function embeddingBackward(gradOut: Floats, inputIds: Int32Array, gradWeight: Floats, C: number): void {
  gradWeight.fill(0);
  const V = gradWeight.length / C;
  for (let r = 0; r < inputIds.length; r++) {
    assertTokenId(inputIds[r]!, V);
    const to = inputIds[r]! * C;
    const from = r * C;
    for (let c = 0; c < C; c++) gradWeight[to + c]! += gradOut[from + c]!;
  }
}
