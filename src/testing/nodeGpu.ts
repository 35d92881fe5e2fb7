/** WebGPU in Node, on Dawn (npm `webgpu`). Uses the machine's GPU driver or, where there is none, Chromium's SwiftShader. */
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';

/** Where Chromium and Chrome keep their software Vulkan driver: beside the browser in use, or where packages put it. */
function findSwiftShader(): { driver: string; loader: string } | null {
  const browser = process.env.CHROME_PATH;
  const beside = browser && existsSync(browser) ? [dirname(realpathSync(browser))] : [];
  for (const folder of [...beside, '/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome']) {
    const driver = join(folder, 'vk_swiftshader_icd.json');
    if (existsSync(driver)) return { driver, loader: join(folder, 'libvulkan.so.1') };
  }
  return null;
}

const driverFolders = ['/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d'];

/** Linux: whether any graphics driver is installed; elsewhere the system brings one. */
export function hasGpuDriver(): boolean {
  if (process.platform !== 'linux' || process.env.VK_ICD_FILENAMES) return true;
  return driverFolders.some((folder) => existsSync(folder) && readdirSync(folder).length > 0);
}

/**
 * Chromium brings its own Vulkan loader, which is not on the library path. Loading it first makes it the one that Dawn finds by name.
 * Node then complains that it is no addon; the library stays loaded all the same (RTLD_NODELETE).
 */
function preloadVulkanLoader(loader: string): void {
  const stayLoaded = 0x1000;
  try {
    process.dlopen({ exports: {} }, loader, constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL | stayLoaded);
  } catch (error) {
    if (!String(error).includes('self-register')) throw error;
  }
}

function useSwiftShader(): void {
  const found = findSwiftShader();
  if (!found) return;
  process.env.VK_ICD_FILENAMES = found.driver;
  if (existsSync(found.loader)) preloadVulkanLoader(found.loader);
}

let opened: Promise<GPU | null> | undefined;

async function create(): Promise<GPU | null> {
  if (!hasGpuDriver()) useSwiftShader();
  // Dawn polls with setImmediate, which would keep one core busy; a short pause costs nothing and leaves the core to the work.
  const { setTimeout: later } = globalThis;
  const paced = (callback: (...values: unknown[]) => void, ...values: unknown[]): unknown => later(callback, 2, ...values);
  globalThis.setImmediate = paced as unknown as typeof setImmediate;
  const dawn = await import('webgpu');
  Object.assign(globalThis, dawn.globals);
  const gpu = dawn.create([]);
  // tfjs looks for navigator.gpu when it is imported and when a backend is made.
  Object.defineProperty(globalThis, 'navigator', { value: { gpu, userAgent: 'node' }, configurable: true });
  return (await gpu.requestAdapter()) ? gpu : null;
}

/** The GPU entry point, or null if this machine has no adapter at all. One instance a process. */
export function openNodeGpu(): Promise<GPU | null> {
  return (opened ??= create());
}
