/**
 * Opens the compute backend: WebGPU on hardware, else WASM, or the one that was asked for. Every candidate has to pass a real
 * training step; what failed and why is part of the answer.
 */
import { EngineError, toFailure } from '../../base/errors.ts';
import { openBackend, type OpenedBackend } from '../../device/openDevice.ts';
import { tuneMatMul } from '../../kernels/matMul/autotune.ts';
import { registerKernels } from '../../kernels/registerKernels.ts';
import type { BackendName, EngineView } from '../../protocol/views.ts';
import type { EngineState } from '../engineState.ts';
import type { JobBody } from '../jobRunner.ts';
import { runPreflight } from '../preflight.ts';

const TITLE: Record<BackendName, string> = { webgpu: 'WebGPU', wasm: 'WebAssembly' };

/** One sentence on the backend in use. */
function reasonFor(opened: OpenedBackend, asked: boolean, rejected: EngineView['rejected']): string {
  if (opened.backend === 'webgpu') {
    const name = [opened.adapter?.vendor, opened.adapter?.architecture].filter(Boolean).join(' ') || opened.adapter?.description || 'unnamed';
    const what = opened.adapter?.isSoftware ? `a software adapter (${name}), which is slower than WebAssembly` : `the graphics card (${name})`;
    return `WebGPU on ${what}${asked ? ', as asked for' : ': a test training step gave the right numbers'}.`;
  }
  const where = `WebAssembly on the processor, ${opened.threads === 1 ? 'one thread' : `${opened.threads} threads`}`;
  if (asked) return `${where}, as asked for.`;
  return `${where}, because WebGPU cannot be used: ${rejected[0]?.reason ?? 'not tried'}`;
}

async function closeOpened(state: EngineState): Promise<void> {
  const opened = state.opened;
  if (!opened) return;
  state.model?.base.dispose();
  state.model = null;
  state.opened = null;
  await opened.backend.close();
}

/** @param onOpened told of the backend once it passed */
export const openEngineJob =
  (state: EngineState, onOpened: (backend: OpenedBackend) => void): JobBody<'openEngine'> =>
  async ({ backend: choice, allowSoftwareAdapter }, control) => {
    await closeOpened(state);
    const { wasmPaths, threads, gpu, now } = state.host;
    const options = { allowSoftwareAdapter, ...(wasmPaths === undefined ? {} : { wasmPaths }), ...(threads === undefined ? {} : { threads }), ...(gpu === undefined ? {} : { gpu }) };
    const candidates: BackendName[] = choice === 'auto' ? ['webgpu', 'wasm'] : [choice];
    const rejected: EngineView['rejected'] = [];
    for (const [i, candidate] of candidates.entries()) {
      control.progress({ phase: `trying ${TITLE[candidate]}`, done: i, total: candidates.length, unit: 'steps', etaMs: null });
      await control.turn();
      let backend: OpenedBackend | null = null;
      try {
        backend = await openBackend(candidate, options);
        registerKernels(candidate);
        if (candidate === 'webgpu') {
          control.progress({ phase: `choosing kernels for ${TITLE[candidate]}`, done: i, total: candidates.length, unit: 'steps', etaMs: null });
          await tuneMatMul();
        }
        const preflightMs = await runPreflight(backend, now, (compiled) => control.progress({ phase: `compiling kernels for ${TITLE[candidate]}`, ...compiled, unit: 'kernels' }));
        const view: EngineView = {
          backend: backend.backend,
          adapter: backend.adapter,
          reason: reasonFor(backend, choice !== 'auto', rejected),
          rejected,
          preflightMs,
          maxBufferSizeBytes: backend.maxBufferSizeBytes,
          maxTableBytes: backend.maxTableBytes,
        };
        state.opened = { backend, view };
        onOpened(backend);
        state.emit({ type: 'engineOpened', engine: view });
        return view;
      } catch (thrown) {
        await backend?.close();
        const { code, message } = toFailure(thrown);
        if (code === 'cancelled') throw thrown;
        rejected.push({ backend: candidate, reason: message });
      }
    }
    const reasons = rejected.map(({ backend, reason }) => `${TITLE[backend]}: ${reason}`).join(' ');
    throw new EngineError('unsupported', `No compute backend can be used. ${reasons}`);
  };
