/** Says plainly when the GPU cannot be used, what to do about it in this very browser, and that everything works without it, only slower. */
import { Disclosure } from '../../components/Disclosure.tsx';
import { ErrorNote } from '../../components/ErrorNote.tsx';
import { useStudio } from '../../store/useStudio.ts';

export function BrowserNotice() {
  const engine = useStudio((state) => state.mirror.engine);
  const choice = useStudio((state) => state.drafts.engine.backend);
  const rejected = engine.view?.rejected.find((entry) => entry.backend === 'webgpu');
  if (engine.status === 'crashed')
    return (
      <ErrorNote title="The engine cannot run in this browser">
        <p>{engine.lostReason}</p>
        <p>The studio needs module workers and WebAssembly SIMD: Chrome or Edge 113, Firefox 128, Safari 17 or newer. Update the browser, then reload this page.</p>
      </ErrorNote>
    );
  if (!engine.view || engine.view.backend === 'webgpu' || choice === 'wasm') return null;
  return (
    <ErrorNote tone="partial" title="Running on the CPU (WASM): everything works, only slower">
      <p>{rejected?.reason ?? engine.view.reason}</p>
      <Disclosure summary={`How to use the GPU in ${browserName()}`}>
        <ol>
          {gpuSteps().map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ol>
      </Disclosure>
    </ErrorNote>
  );
}

function browserName(): string {
  const agent = navigator.userAgent;
  if (/Edg\//.test(agent)) return 'Edge';
  if (/Firefox\//.test(agent)) return 'Firefox';
  if (/Chrom(e|ium)\//.test(agent)) return 'Chrome';
  if (/Safari\//.test(agent)) return 'Safari';
  return 'this browser';
}

function gpuSteps(): string[] {
  const retry = 'Come back here and choose "Reopen engine".';
  if (!isSecureContext) return ['Open the studio over https, or on localhost: browsers offer WebGPU to secure pages alone.', retry];
  switch (browserName()) {
    case 'Edge':
    case 'Chrome': {
      const scheme = browserName() === 'Edge' ? 'edge' : 'chrome';
      const linux = /Linux/.test(navigator.userAgent) && !/Android/.test(navigator.userAgent);
      return [
        `Update to version 113 or newer (${scheme}://settings/help).`,
        `Turn on "Use graphics acceleration when available" in ${scheme}://settings/system.`,
        ...(linux ? [`On Linux, also enable ${scheme}://flags/#enable-unsafe-webgpu and ${scheme}://flags/#enable-vulkan.`] : []),
        `Restart the browser; ${scheme}://gpu should then say "WebGPU: Hardware accelerated".`,
        retry,
      ];
    }
    case 'Firefox':
      return ['Update to Firefox 141 or newer on Windows, 145 or newer on a Mac; elsewhere use Nightly, or set dom.webgpu.enabled in about:config.', 'Restart the browser.', retry];
    case 'Safari':
      return ['Update to Safari 26 or newer; on earlier versions turn on Settings → Feature Flags → WebGPU.', 'Restart the browser.', retry];
    default:
      return ['Use a current Chrome, Edge, Firefox or Safari.', retry];
  }
}
