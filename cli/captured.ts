/** Runs a command in this process and catches what it prints. For tests only. */
import { vi } from 'vitest';
import { runCommandLine } from './runCommandLine.ts';

/** @returns exit code, what was printed, and how many lines of it went to stderr */
export async function runCaptured(...args: string[]): Promise<{ status: number; stdout: string; stderr: string; lines: number }> {
  let stdout = '';
  let stderr = '';
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((stdout += String(text)), true));
  const err = vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((stderr += String(text)), true));
  try {
    const status = await runCommandLine(args);
    return { status, stdout, stderr, lines: stderr.trim().split('\n').length };
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
}
