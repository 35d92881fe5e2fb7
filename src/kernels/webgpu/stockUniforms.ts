/** Uniforms of stock tfjs programs as bytes, laid out as the structs in their code are. */
import type { StockUniform } from './webGpuHost.ts';

/** A struct member of n numbers: scalar, vec2, vec3 and vec4, and for 5 and 6 a struct of its own that is aligned like a vec4. */
const alignmentOf = (count: number): number => (count <= 2 ? 4 * count : 16);

/** A uniform of no numbers is the shape of a scalar, which tfjs declares as one number. */
const numbersOf = ({ data }: StockUniform): number[] => (data.length === 0 ? [1] : data);

export function packStockUniforms(uniforms: readonly StockUniform[]): ArrayBuffer {
  let size = 0;
  let largest = 4;
  let previous = 0;
  const offsets = uniforms.map((uniform) => {
    const count = numbersOf(uniform).length;
    // What comes after such a struct begins at the next multiple of 16.
    const alignment = previous > 4 ? 16 : alignmentOf(count);
    largest = Math.max(largest, alignment);
    const offset = Math.ceil(size / alignment) * alignment;
    size = offset + 4 * count;
    previous = count;
    return offset;
  });
  const bytes = new DataView(new ArrayBuffer(Math.ceil(size / largest) * largest));
  uniforms.forEach((uniform, i) => {
    numbersOf(uniform).forEach((value, j) => {
      const at = (offsets[i] as number) + 4 * j;
      if (uniform.type === 'float32') bytes.setFloat32(at, value, true);
      else bytes.setInt32(at, value, true);
    });
  });
  return bytes.buffer as ArrayBuffer;
}
