/**
 * Whether an LM fits a device: bytes for weights, gradients, optimizer and activations from config and settings alone, against the limits of
 * the device. Estimated; `measureStep` measures.
 */
import { countFitBytes, type NamedBytes } from './fitBytes.ts';
import type { DeviceLimits, FitBytes, FitRequest } from './fitRequest.ts';
import { defaultEvaluationConfig } from './evaluation.ts';

export type { DeviceLimits, FitBytes, FitRequest } from './fitRequest.ts';

export interface FitReport {
  verdict: 'fits' | 'tight' | 'wontFit';
  /** Why, one sentence each; then what would make it fit. */
  reasons: string[];
  bytes: FitBytes;
  method: 'full' | 'lora';
  /** Rows that generation may decode together: as many as an evaluation does, or fewer where memory asks for it. */
  decodingRows: number;
}

/** A WASM heap can grow to 4 GiB less one page, everything included. */
export const WASM_HEAP_BYTES = 2 ** 32 - 2 ** 16;

/** More than this share of what there is leaves no room for what the estimate does not see. */
const TIGHT_SHARE = 0.8;

/** WebGPU does not tell how much memory a GPU has; up to this much most have. */
const COMMON_GPU_BYTES = 4 * 2 ** 30;

/** What of an EngineView tells its limits. */
interface EngineLimits {
  backend: 'webgpu' | 'wasm';
  /** null on WASM. */
  maxBufferSizeBytes: number | null;
  maxTableBytes?: number | null;
}

/** The limits of an opened engine. @param usedBytes live tensor bytes that stay, on WASM */
export function deviceLimitsOf(engine: EngineLimits, usedBytes = 0): DeviceLimits {
  if (engine.backend === 'webgpu' && engine.maxBufferSizeBytes !== null)
    return { backend: 'webgpu', maxTensorBytes: engine.maxBufferSizeBytes, ...(engine.maxTableBytes ? { maxTableBytes: engine.maxTableBytes } : {}), totalBytes: null };
  const totalBytes = WASM_HEAP_BYTES - usedBytes;
  return { backend: engine.backend, maxTensorBytes: totalBytes, totalBytes };
}

/** "1.23 GB", "456 MB": decimal, as download sizes are. */
export function formatBytes(bytes: number): string {
  const [value, unit] = bytes >= 1e9 ? [bytes / 1e9, 'GB'] : bytes >= 1e6 ? [bytes / 1e6, 'MB'] : [bytes / 1e3, 'kB'];
  return `${value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)} ${unit}`;
}

type Verdict = Omit<FitReport, 'method'>;

/** The most rows, up to those of an evaluation, whose cache fits beside what lasts; generation has to work, but not with so many rows. */
function decodingRowsFor(request: FitRequest): number {
  const { totalBytes } = request.limits;
  let rows = defaultEvaluationConfig.batchSize;
  if (request.decodingRows !== undefined) return request.decodingRows;
  while (rows > 1 && countFitBytes(request, rows).bytes.total > Math.max(TIGHT_SHARE * (totalBytes ?? COMMON_GPU_BYTES), countFitBytes(request, 0).bytes.total)) rows = Math.floor(rows / 2);
  return rows;
}

/** The verdict on these very settings. */
function judge(request: FitRequest): Verdict {
  const decodingRows = decodingRowsFor(request);
  const verdict = judgeWith(request, decodingRows);
  if (decodingRows > 0 && decodingRows < defaultEvaluationConfig.batchSize) verdict.reasons.push(`Generation has room for ${decodingRows} rows at a time.`);
  return { ...verdict, decodingRows };
}

function judgeWith(request: FitRequest, decodingRows: number): Omit<Verdict, 'decodingRows'> {
  const { bytes, tensors } = countFitBytes(request, decodingRows);
  const { maxTensorBytes, maxTableBytes = maxTensorBytes, totalBytes, backend } = request.limits;
  const limitOf = ({ isTable }: NamedBytes): number => (isTable ? maxTableBytes : maxTensorBytes);
  const tooLarge = tensors.filter((tensor) => tensor.bytes > limitOf(tensor));
  const reasons = tooLarge.map((tensor) => `This device allows ${formatBytes(limitOf(tensor))} in one tensor, but ${tensor.what} takes ${formatBytes(tensor.bytes)}.`);
  const needed = formatBytes(bytes.total);
  if (totalBytes !== null && bytes.total > totalBytes) reasons.push(`About ${needed} are needed, but ${backend === 'wasm' ? 'the WebAssembly heap has' : 'there are'} ${formatBytes(Math.max(0, totalBytes))}.`);
  if (reasons.length > 0) return { verdict: 'wontFit', reasons, bytes };
  if (totalBytes !== null) {
    const share = `About ${needed} of the ${formatBytes(totalBytes)} available are needed.`;
    return bytes.total > TIGHT_SHARE * totalBytes ? { verdict: 'tight', reasons: [share], bytes } : { verdict: 'fits', reasons: [share], bytes };
  }
  if (bytes.total > COMMON_GPU_BYTES)
    return { verdict: 'tight', reasons: [`About ${needed} are needed. WebGPU does not tell how much memory this GPU has; many have less. Measure a step to know.`], bytes };
  return { verdict: 'fits', reasons: [`About ${needed} are needed; the largest tensor takes ${formatBytes(tensors[0]!.bytes)} of the ${formatBytes(maxTensorBytes)} that this device allows.`], bytes };
}

/** Settings that take less, the least intrusive first. */
function smallerRequests(request: FitRequest): { change: string; request: FitRequest }[] {
  const { training, method } = request;
  const checkpointing = { ...request, training: { ...training, gradientCheckpointing: true } };
  const halved = { ...request, training: { ...training, benignPerStep: Math.ceil(training.benignPerStep / 2), unsafePerStep: Math.ceil(training.unsafePerStep / 2) } };
  const fewest = { ...training, benignPerStep: Math.min(1, training.benignPerStep), unsafePerStep: Math.min(1, training.unsafePerStep) };
  const options = [
    { change: 'half as many rows a micro-batch and twice as much accumulation', request: halved, differs: halved.training.benignPerStep + halved.training.unsafePerStep < training.benignPerStep + training.unsafePerStep },
    { change: 'gradient checkpointing', request: checkpointing, differs: !training.gradientCheckpointing },
    { change: 'one row of each kind a micro-batch and gradient checkpointing', request: { ...request, training: { ...fewest, gradientCheckpointing: true } }, differs: true },
  ];
  const withLora = (one: FitRequest): FitRequest => ({ ...one, method: 'lora' });
  const lora = method === 'lora' ? [] : [{ change: 'LoRA', request: withLora(request), differs: true }, ...options.map((option) => ({ ...option, change: `LoRA, ${option.change}`, request: withLora(option.request) }))];
  return [...options, ...lora].filter(({ differs }) => differs);
}

/**
 * Whether training and generation fit, from sizes alone: nothing is loaded or measured.
 * @returns the verdict on the settings asked for, and in its reasons what would make them fit
 */
export function estimateFit(request: FitRequest): FitReport {
  const asked = judge(request);
  const report: FitReport = { ...asked, method: request.method };
  if (asked.verdict === 'fits') return report;
  const smaller = smallerRequests(request).map(({ change, request: other }) => ({ change, ...judge(other) }));
  const better = smaller.find(({ verdict }) => verdict === 'fits') ?? smaller.find(({ verdict }) => verdict === 'tight' && asked.verdict === 'wontFit');
  if (better) return { ...report, reasons: [...asked.reasons, `With ${better.change} it would take about ${formatBytes(better.bytes.total)}${better.verdict === 'fits' ? ' and fit' : ', which is tight'}.`] };
  return asked.verdict === 'wontFit' ? { ...report, reasons: [...asked.reasons, 'No setting changes that; take a smaller model, or another device.'] } : report;
}
