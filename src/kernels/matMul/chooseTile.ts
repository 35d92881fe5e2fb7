/** Which WGSL version computes a product: by the kind of device, or by what tuning found on it, and by the sizes. */
import type { DeviceTraits } from '../deviceTraits.ts';
import type { ProductSizes } from './linear.cpu.ts';
import type { ProductTile } from './product.webgpu.ts';
import { registerTile } from './registerTile.webgpu.ts';
import { rowTile, undividedRowTile } from './rowTile.webgpu.ts';
import { sharedTile } from './sharedTile.webgpu.ts';

/** The versions for many rows that tuning compares. */
export const tiles = {
  quad8x4: registerTile({ rows: 8, columns: 4, workgroupColumns: 8, workgroupRows: 4, quad: true }),
  register8x8: registerTile({ rows: 8, columns: 8, workgroupColumns: 8, workgroupRows: 4, quad: false }),
  register4x4: registerTile({ rows: 4, columns: 4, workgroupColumns: 8, workgroupRows: 8, quad: false }),
  shared32: sharedTile(32),
  shared64: sharedTile(64),
} as const;

export type TileName = keyof typeof tiles;

/** What a device runs. */
export interface MatMulTuning {
  /** For results with work for the whole device. */
  large: TileName;
  /** For smaller results, where a large tile leaves parts of the device idle. */
  small: TileName;
  /** Results of fewer values than this are small. */
  smallBelow: number;
  /** Up to this many rows go to the version for few rows; at most 8. */
  fewRows: number;
}

const undividedRow = undividedRowTile(1);
const rowTiles = new Map([1, 2, 4, 8].map((rows) => [rows, rowTile(rows)]));

/** A tuning that runs one tile whatever the size. */
export const onlyTile = (tile: TileName): MatMulTuning => ({ large: tile, small: tile, smallBelow: 0, fewRows: 0 });

/** Without tuning. Quads are assumed only where they were seen to be right: on the software adapter of Chromium. */
export function defaultTuning({ adapterClass, subgroups, subgroupMinSize, architecture }: DeviceTraits): MatMulTuning {
  if (adapterClass === 'software') {
    const tile = subgroups && (subgroupMinSize >= 4 || /swiftshader/.test(architecture)) ? 'quad8x4' : 'register8x8';
    // Two rows already cost more in the version for few rows, and its barrier takes a second to compile there.
    return { large: tile, small: tile, smallBelow: 0, fewRows: 1 };
  }
  // 64 workgroups of the large tile.
  return { large: 'shared64', small: 'shared32', smallBelow: 64 * 64 * 64, fewRows: 8 };
}

export function chooseTile({ large, small, smallBelow, fewRows }: MatMulTuning, { M, N, transposeA }: ProductSizes): ProductTile {
  // What runs quads or wide register tiles is a software adapter.
  if (M === 1 && fewRows >= 1 && !transposeA && (large === 'quad8x4' || large === 'register8x8')) return undividedRow;
  if (M <= fewRows && !transposeA) {
    const rows = [1, 2, 4, 8].find((count) => count >= M) as number;
    return rowTiles.get(rows) as ProductTile;
  }
  return tiles[M * N < smallBelow ? small : large];
}
