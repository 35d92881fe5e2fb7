import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EngineError } from '../base/errors.ts';
import type { Command, EngineEvent, JobName } from '../protocol/jobs.ts';
import { createJobRunner, type JobBodies, type JobControl } from './jobRunner.ts';

/** One letter an event: q s p(rogressed) z(paused) r(esumed) D F C. */
const letter: Record<string, string> = { queued: 'q', started: 's', progressed: 'p', paused: 'z', resumed: 'r', done: 'D', failed: 'F', cancelled: 'C' };
const LIFECYCLE = /^q(C|F|sp*(zrp*)*(z?[CF]|D))$/;

type Ending = 'return' | 'throw' | 'ignore-abort';
interface Script {
  name: 'train' | 'listRuns';
  turns: number;
  ending: Ending;
}

function setUp(scripts: Script[]) {
  const events: EngineEvent[] = [];
  const clock = { ms: 0 };
  /** Waiting yields; the test decides when the event loop turns. */
  let yields: (() => void)[] = [];
  const body = async (params: unknown, control: JobControl): Promise<never> => {
    const script = params as Script;
    for (let n = 0; n < script.turns && !control.stopRequested; n++) {
      control.progress({ phase: 'work', done: n, total: script.turns, unit: 'steps' });
      clock.ms += 10;
      if (script.ending === 'ignore-abort') await Promise.resolve();
      else await control.turn();
    }
    if (script.ending === 'throw') throw new EngineError('bad-argument', 'scripted');
    return { kept: control.stopRequested } as never;
  };
  const bodies = Object.fromEntries(['train', 'listRuns'].map((name) => [name, body])) as unknown as JobBodies;
  const runner = createJobRunner({
    bodies,
    emit: (event) => events.push(event),
    immediate: new Set<JobName>(['listRuns']),
    now: () => clock.ms,
    timestamp: () => '2025-01-01T00:00:00.000Z',
    yieldToEvents: () => new Promise((resolve) => yields.push(resolve)),
  });
  const start = (id: number) => runner.obey({ type: 'start', jobId: String(id), name: scripts[id]!.name, params: scripts[id] } as unknown as Command);
  async function turnLoop() {
    const ready = yields;
    yields = [];
    for (const resolve of ready) resolve();
    for (let n = 0; n < 12; n++) await Promise.resolve();
  }
  async function settle() {
    for (let n = 0; n < 200; n++) await turnLoop();
  }
  const story = (id: number) => events.map((event) => ('jobId' in event && event.jobId === String(id) ? (letter[event.type] ?? '?') : '')).join('');
  return { runner, events, start, turnLoop, settle, story, clock };
}

const script = (over: Partial<Script> = {}): Script => ({ name: 'train', turns: 3, ending: 'return', ...over });

describe('the job runner', () => {
  it('tells a job as queued, started, progress and done', async () => {
    const { start, settle, story } = setUp([script()]);
    start(0);
    await settle();
    expect(story(0)).toBe('qspppD');
  });

  it('keeps every job to its lifecycle, and one GPU job at a time, whatever the order of commands', async () => {
    const scriptArb = fc.record<Script>({
      name: fc.constantFrom('train', 'train', 'listRuns'),
      turns: fc.integer({ min: 0, max: 4 }),
      ending: fc.constantFrom<Ending>('return', 'return', 'throw', 'ignore-abort'),
    });
    const moveArb = fc.record({ verb: fc.constantFrom('pause', 'resume', 'stop', 'cancel', 'turn', 'turn', 'turn', 'failAll'), id: fc.nat(3), start: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(scriptArb, { minLength: 1, maxLength: 4 }), fc.array(moveArb, { maxLength: 25 }), async (scripts, moves) => {
        const { runner, events, start, turnLoop, settle, story } = setUp(scripts);
        let next = 0;
        for (const move of moves) {
          if (move.start && next < scripts.length) start(next++);
          if (move.verb === 'turn') await turnLoop();
          else if (move.verb === 'failAll') runner.failAll(new EngineError('device-lost', 'scripted'));
          else runner.obey({ type: move.verb as 'pause', jobId: String(move.id) });
        }
        while (next < scripts.length) start(next++);
        for (let id = 0; id < scripts.length; id++) runner.obey({ type: 'resume', jobId: String(id) });
        await settle();
        await runner.idle();
        for (let id = 0; id < scripts.length; id++) expect(story(id)).toMatch(LIFECYCLE);
        let running = 0;
        for (const event of events) {
          if (!('name' in event) || event.name !== 'train') continue;
          if (event.type === 'started') expect(++running).toBe(1);
          // A job that never started ends without having held the GPU.
          const started = events.some((other) => other.type === 'started' && 'jobId' in event && other.jobId === event.jobId);
          if (started && ['done', 'failed', 'cancelled'].includes(event.type)) running--;
        }
        expect(running).toBe(0);
      }),
      { numRuns: 400 },
    );
  });

  it('runs GPU jobs in the order of asking, and short jobs beside them', async () => {
    const { start, settle, events } = setUp([script({ turns: 5 }), script(), script({ name: 'listRuns', turns: 1 })]);
    start(0);
    start(1);
    start(2);
    await settle();
    const order = events.filter((event) => event.type === 'started' || event.type === 'done').map((event) => `${event.type}${(event as { jobId: string }).jobId}`);
    expect(order).toEqual(['started0', 'started2', 'done2', 'done0', 'started1', 'done1']);
  });

  it('says paused only when the job has really come to rest', async () => {
    const { runner, start, settle, turnLoop, story } = setUp([script({ turns: 4 })]);
    start(0);
    runner.obey({ type: 'pause', jobId: '0' });
    expect(story(0)).not.toContain('z');
    await turnLoop();
    expect(story(0)).toBe('qspz');
    await settle();
    expect(story(0)).toBe('qspz');
    runner.obey({ type: 'resume', jobId: '0' });
    await settle();
    expect(story(0)).toBe('qspzrpppD');
  });

  it('may be resumed by the very listener that hears of the pause', async () => {
    const { runner, start, settle, story, events } = setUp([script({ turns: 4 })]);
    const push = events.push.bind(events);
    events.push = (...said: EngineEvent[]) => {
      push(...said);
      if (said[0]?.type === 'paused') runner.obey({ type: 'resume', jobId: '0' });
      return events.length;
    };
    start(0);
    runner.obey({ type: 'pause', jobId: '0' });
    await settle();
    expect(story(0)).toMatch(/^qspzr.*D$/);
  });

  it('stops early and keeps the result, also out of a pause', async () => {
    const { runner, start, settle, events } = setUp([script({ turns: 50 })]);
    start(0);
    runner.obey({ type: 'pause', jobId: '0' });
    await settle();
    runner.obey({ type: 'stop', jobId: '0' });
    await settle();
    expect(events.at(-1)).toMatchObject({ type: 'done', result: { kept: true } });
  });

  it('cancels a queued job without starting it, and a paused one without resuming it', async () => {
    const { runner, start, settle, story } = setUp([script({ turns: 50 }), script()]);
    start(0);
    start(1);
    runner.obey({ type: 'cancel', jobId: '1' });
    expect(story(1)).toBe('qC');
    runner.obey({ type: 'pause', jobId: '0' });
    await settle();
    runner.obey({ type: 'cancel', jobId: '0' });
    await settle();
    expect(story(0)).toBe('qspzC');
  });

  it('drops the result of a job that did not notice its cancellation', async () => {
    const { runner, start, settle, story } = setUp([script({ turns: 5, ending: 'ignore-abort' })]);
    start(0);
    runner.obey({ type: 'cancel', jobId: '0' });
    await settle();
    expect(story(0)).toMatch(/C$/);
  });

  it('fails running and queued jobs with the reason when the engine fails under them', async () => {
    const { runner, start, settle, events } = setUp([script({ turns: 50 }), script()]);
    start(0);
    start(1);
    runner.failAll(new EngineError('device-lost', 'The GPU is gone.'));
    await settle();
    const failures = events.filter((event) => event.type === 'failed');
    expect(failures.map((event) => event.failure.code)).toEqual(['device-lost', 'device-lost']);
  });

  it('refuses to start one job id twice', () => {
    const { start } = setUp([script()]);
    start(0);
    expect(() => start(0)).toThrow(expect.objectContaining({ code: 'bad-argument' }));
  });

  it('estimates the time left from the rate so far, pauses left out', async () => {
    const { runner, start, settle, turnLoop, events, clock } = setUp([script({ turns: 5 })]);
    start(0);
    runner.obey({ type: 'pause', jobId: '0' });
    await turnLoop();
    clock.ms += 100_000;
    runner.obey({ type: 'resume', jobId: '0' });
    await settle();
    const etas = events.flatMap((event) => (event.type === 'progressed' ? [event.progress.etaMs] : []));
    expect(etas).toEqual([null, 40, 30, 20, 10]);
  });
});
