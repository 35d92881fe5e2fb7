import { defineConfig } from 'vitest/config';

// Engine and store tests run in Node; the WebGPU ones on Dawn with whatever Vulkan driver there is (Chromium's SwiftShader without a GPU).
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'app/**/*.test.{ts,tsx}', 'cli/**/*.test.ts', 'tools/**/*.test.ts', 'bench/**/*.test.ts'],
    environment: 'node',
    pool: 'forks',
    maxWorkers: 2,
    // Only to end a test that hangs: software WebGPU on a busy machine is slow.
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
});
