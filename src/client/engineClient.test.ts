import { describe, expect, it } from 'vitest';
import type { Command, EngineEvent } from '../protocol/jobs.ts';
import { createEngineClient, type EngineWorker } from './engineClient.ts';

/** A worker made of arrays: what it was sent, and a way to speak for it. */
class FakeWorker implements EngineWorker {
  sent: Command[] = [];
  terminated = false;
  private readonly listeners = new Map<string, (event: never) => void>();
  postMessage(command: Command) {
    this.sent.push(structuredClone(command));
  }
  terminate() {
    this.terminated = true;
  }
  addEventListener(type: string, listener: (event: never) => void) {
    this.listeners.set(type, listener);
  }
  say(event: EngineEvent) {
    this.listeners.get('message')?.({ data: event } as never);
  }
  crash(message: string) {
    this.listeners.get('error')?.({ message } as never);
  }
}

function setUp() {
  const workers: FakeWorker[] = [];
  const client = createEngineClient(() => {
    const worker = new FakeWorker();
    workers.push(worker);
    return worker;
  });
  const heard: EngineEvent[] = [];
  client.subscribe((event) => heard.push(event));
  const worker = () => workers.at(-1) as FakeWorker;
  worker().say({ type: 'ready', runs: [], storage: 'memory' });
  const lastId = () => (worker().sent.at(-1) as { jobId: string }).jobId;
  return { client, workers, worker, heard, lastId };
}

describe('the engine client', () => {
  it('sends a start command and resolves run() with the result of done', async () => {
    const { client, worker, lastId } = setUp();
    const result = client.run('deleteRun', { runId: 'r1' });
    expect(worker().sent).toEqual([{ type: 'start', jobId: lastId(), name: 'deleteRun', params: { runId: 'r1' } }]);
    worker().say({ type: 'done', jobId: lastId(), name: 'deleteRun', result: { runId: 'r1' } });
    expect(await result).toEqual({ runId: 'r1' });
  });

  it('rejects run() with the code of the failure, and with cancelled', async () => {
    const { client, worker, lastId } = setUp();
    const failing = client.run('listRuns', {});
    worker().say({ type: 'failed', jobId: lastId(), name: 'listRuns', failure: { code: 'storage', message: 'no' } });
    await expect(failing).rejects.toMatchObject({ code: 'storage', message: 'no' });
    const cancelled = client.run('listRuns', {});
    worker().say({ type: 'cancelled', jobId: lastId(), name: 'listRuns' });
    await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('does not mix up the answers of two jobs', async () => {
    const { client, worker } = setUp();
    const first = client.run('deleteRun', { runId: 'a' });
    const second = client.run('deleteRun', { runId: 'b' });
    const [a, b] = worker().sent as { jobId: string }[];
    worker().say({ type: 'done', jobId: b!.jobId, name: 'deleteRun', result: { runId: 'b' } });
    worker().say({ type: 'done', jobId: a!.jobId, name: 'deleteRun', result: { runId: 'a' } });
    expect([await first, await second]).toEqual([{ runId: 'a' }, { runId: 'b' }]);
  });

  it('turns an abort into a cancel command, and an earlier abort into no job at all', async () => {
    const { client, worker, lastId } = setUp();
    const controller = new AbortController();
    let started = '';
    const result = client.run('listRuns', {}, { signal: controller.signal, onStart: ({ jobId }) => (started = jobId) });
    controller.abort();
    expect(worker().sent.at(-1)).toEqual({ type: 'cancel', jobId: started });
    worker().say({ type: 'cancelled', jobId: lastId(), name: 'listRuns' });
    await expect(result).rejects.toMatchObject({ code: 'cancelled' });
    const sent = worker().sent.length;
    await expect(client.run('listRuns', {}, { signal: controller.signal })).rejects.toMatchObject({ code: 'cancelled' });
    expect(worker().sent.length).toBe(sent);
  });

  it('passes pause, resume and stop on while the job is open, and drops them afterwards', () => {
    const { client, worker } = setUp();
    const { jobId } = client.start('listRuns', {});
    client.pause(jobId);
    client.resume(jobId);
    client.stop(jobId);
    expect(worker().sent.slice(1).map((command) => command.type)).toEqual(['pause', 'resume', 'stop']);
    worker().say({ type: 'done', jobId, name: 'listRuns', result: [] });
    client.cancel(jobId);
    expect(worker().sent.length).toBe(4);
  });

  it('fails open jobs once and starts a fresh worker when the worker crashes', async () => {
    const { client, workers, worker, heard } = setUp();
    const result = client.run('listRuns', {});
    const dead = worker();
    const { jobId } = dead.sent[0] as { jobId: string };
    dead.crash('boom');
    await expect(result).rejects.toMatchObject({ code: 'internal', message: expect.stringContaining('boom') });
    expect(dead.terminated).toBe(true);
    expect(workers.length).toBe(2);
    dead.say({ type: 'done', jobId, name: 'listRuns', result: [] });
    expect(heard.map((event) => event.type)).toEqual(['ready', 'failed', 'engineCrashed']);
    expect(heard.at(-1)).toMatchObject({ respawned: true });
  });

  it('does not respawn for ever when the worker cannot even start, but tries again when asked for a job', () => {
    const { client, workers, worker, heard } = setUp();
    worker().crash('first');
    worker().crash('');
    expect(workers.length).toBe(2);
    expect(heard.at(-1)).toMatchObject({ type: 'engineCrashed', respawned: false });
    client.start('listRuns', {});
    expect(workers.length).toBe(3);
    expect(worker().sent.length).toBe(1);
  });

  it('respawns after a lost device; jobs that the worker could not end fail with device-lost', async () => {
    const { client, workers, worker, heard } = setUp();
    const result = client.run('listRuns', {});
    worker().say({ type: 'deviceLost', reason: 'The GPU was reset.' });
    await expect(result).rejects.toMatchObject({ code: 'device-lost', message: 'The GPU was reset.' });
    expect(workers.length).toBe(2);
    expect(heard.map((event) => event.type)).toEqual(['ready', 'deviceLost', 'failed']);
  });

  it('stops telling a listener that has unsubscribed, and refuses work once closed', async () => {
    const { client, worker } = setUp();
    const heard: EngineEvent[] = [];
    const unsubscribe = client.subscribe((event) => heard.push(event));
    unsubscribe();
    worker().say({ type: 'deviceLost', reason: 'x' });
    expect(heard).toEqual([]);
    client.close();
    expect(worker().terminated).toBe(true);
    await expect(client.run('listRuns', {})).rejects.toMatchObject({ code: 'internal' });
  });
});
