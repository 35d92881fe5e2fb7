/** Tells from what a WebGPU adapter says of itself what kind of machine it is. A guess for choosing kernel variants, never for refusing work. */
import type { AdapterClass } from '../kernels/deviceTraits.ts';

/** What adapters say of themselves; browsers leave out what they please. `type` is given by Dawn only. */
export interface AdapterWords {
  vendor?: string;
  architecture?: string;
  description?: string;
  device?: string;
  type?: string;
  isFallbackAdapter?: boolean;
}

/** Adapters that run on the CPU, by what they call themselves. */
const software = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|software|\bwarp\b/i;
/** Graphics inside the processor, or on a phone's or Apple's chip. */
const sharedMemoryVendor = /^(intel|apple|qualcomm|arm|img-tec|imagination|samsung|broadcom)/i;
/** Intel's cards with their own memory. */
const intelCard = /hpg|\barc\b/i;
/** AMD names its processors' graphics "Radeon (TM) Graphics", "Vega 8" or by three digits and an M. */
const amdInProcessor = /radeon(\(tm\)|\s*\(tm\))? graphics|vega \d|\b\d{3}m\b/i;

/** @returns 'unknown' for a vendor that is not known or not told */
export function adapterClass({ vendor = '', architecture = '', description = '', device = '', type = '', isFallbackAdapter }: AdapterWords): AdapterClass {
  const words = `${vendor} ${architecture} ${description} ${device}`;
  if (isFallbackAdapter || software.test(words) || /^cpu$/i.test(type)) return 'software';
  if (/discrete/i.test(type)) return 'discrete';
  if (/integrated/i.test(type)) return 'integrated';
  if (/^intel/i.test(vendor)) return intelCard.test(words) ? 'discrete' : 'integrated';
  if (sharedMemoryVendor.test(vendor)) return 'integrated';
  if (/^nvidia/i.test(vendor)) return 'discrete';
  if (/^amd/i.test(vendor)) return amdInProcessor.test(words) ? 'integrated' : 'discrete';
  return 'unknown';
}
