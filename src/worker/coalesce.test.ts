import { describe, expect, it } from 'vitest';
import type { EngineEvent } from '../protocol/jobs.ts';
import type { StepMetrics } from '../records/run.ts';
import { createCoalescer } from './coalesce.ts';

function setUp() {
  const sent: EngineEvent[] = [];
  const clock = { ms: 0 };
  return { sent, clock, coalescer: createCoalescer((event) => sent.push(event), () => clock.ms) };
}
const step = (n: number): EngineEvent => ({ type: 'stepsLogged', jobId: 'j', runId: 'r', steps: [{ step: n } as StepMetrics] });
const text = (promptId: string, piece: string): EngineEvent => ({ type: 'textStreamed', jobId: 'j', pieces: [{ promptId, sample: 0, text: piece }] });
const progress = (done: number): EngineEvent => ({
  type: 'progressed',
  jobId: 'j',
  progress: { phase: 'p', done, total: 9, unit: 'steps', elapsedMs: 0, etaMs: null },
});
const stepsOf = (events: EngineEvent[]) => events.flatMap((event) => (event.type === 'stepsLogged' ? event.steps.map((s) => s.step) : []));

describe('the coalescer', () => {
  it('sends steps at most ten times a second and loses none', () => {
    const { sent, clock, coalescer } = setUp();
    for (let n = 0; n < 1000; n++) {
      clock.ms = n;
      coalescer.push(step(n));
    }
    expect(sent.length).toBe(10);
    coalescer.flush();
    expect(stepsOf(sent)).toEqual(Array.from({ length: 1000 }, (_, n) => n));
  });
  it('sends the first event at once', () => {
    const { sent, coalescer } = setUp();
    coalescer.push(step(1));
    expect(sent.length).toBe(1);
  });
  it('joins the text of one response and keeps two responses apart', () => {
    const { sent, coalescer } = setUp();
    coalescer.push(text('a', 'first'));
    coalescer.push(text('a', 'He'));
    coalescer.push(text('b', 'x'));
    coalescer.push(text('a', 'llo'));
    coalescer.flush();
    expect(sent.at(-1)).toMatchObject({
      pieces: [
        { promptId: 'a', text: 'Hello' },
        { promptId: 'b', text: 'x' },
      ],
    });
  });
  it('keeps only the latest progress', () => {
    const { sent, coalescer } = setUp();
    for (const done of [1, 2, 3]) coalescer.push(progress(done));
    coalescer.flush();
    expect(sent.map((event) => event.type === 'progressed' && event.progress.done)).toEqual([1, 3]);
  });
  it('sends what waits before any other event, so that nothing follows the end of a job', () => {
    const { sent, coalescer } = setUp();
    coalescer.push(step(1));
    coalescer.push(step(2));
    coalescer.push(text('a', 'x'));
    coalescer.push(text('a', 'y'));
    coalescer.push({ type: 'cancelled', jobId: 'j', name: 'train' });
    expect(sent.at(-1)?.type).toBe('cancelled');
    expect(stepsOf(sent)).toEqual([1, 2]);
    coalescer.flush();
    expect(sent.at(-1)?.type).toBe('cancelled');
  });
  it('sends what is due when asked between units of work', () => {
    const { sent, clock, coalescer } = setUp();
    coalescer.push(step(1));
    coalescer.push(step(2));
    clock.ms = 99;
    coalescer.flushDue();
    expect(sent.length).toBe(1);
    clock.ms = 100;
    coalescer.flushDue();
    expect(stepsOf(sent)).toEqual([1, 2]);
  });
});
