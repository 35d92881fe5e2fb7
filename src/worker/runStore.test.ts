import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultEvaluationConfig } from '../config/evaluation.ts';
import { defaultTrainConfig } from '../config/train.ts';
import { createMemoryFileStore } from '../loader/memoryFileStore.ts';
import type { RunRecord } from '../records/run.ts';
import { createRunStore, type TrainInput } from './runStore.ts';
import { crc32, sealBytes, unsealBytes } from './sealedBytes.ts';

const record = (over: Partial<RunRecord> = {}): RunRecord => ({
  id: 'run-1',
  name: 'first',
  status: 'completed',
  modelId: 'demo',
  baseFingerprint: 'ab',
  backend: 'wasm',
  config: defaultTrainConfig,
  data: { unsafe: 1, everyday: 2, borderline: 3, sha256: 'cd' },
  step: 4,
  bestStep: null,
  bestReason: null,
  checkpointSteps: [], savedStep: null,
  metrics: [],
  evaluations: [],
  createdAt: '2025-01-01T00:00:00.000Z',
  updatedAt: '2025-01-01T00:00:00.000Z',
  ...over,
});
const bytes = (...values: number[]) => Uint8Array.from(values);
const never = () => false;

describe('the run store', () => {
  it('reads back a record and the input it was started with', async () => {
    const store = createRunStore(createMemoryFileStore());
    const input: TrainInput = {
      name: 'n',
      config: defaultTrainConfig,
      data: { unsafe: [{ prompt: 'p', response: 'r', intent: 'i' }], everyday: [], borderline: [] },
      validation: [{ id: '1', text: 't', set: 'harmful', split: 'validation', source: 'built-in' }],
      evaluation: defaultEvaluationConfig,
      lexicon: null,
      humanLabels: [{ promptText: 'a', responseText: 'b', label: 'safe' }],
    };
    await store.writeRecord(record());
    await store.writeInput('run-1', input);
    expect(await store.readRecord('run-1')).toEqual(record());
    expect(await store.readInput('run-1')).toEqual(input);
  });

  it('lists newest first, and calls a run interrupted that nobody works on', async () => {
    const store = createRunStore(createMemoryFileStore());
    await store.writeRecord(record({ id: 'a', createdAt: '2025-01-01T00:00:00.000Z', status: 'running' }));
    await store.writeRecord(record({ id: 'b', createdAt: '2025-01-02T00:00:00.000Z', status: 'running' }));
    const listed = await store.list((runId) => runId === 'b');
    expect(listed.map((run) => [run.id, run.status])).toEqual([
      ['b', 'running'],
      ['a', 'interrupted'],
    ]);
  });

  it('lists a damaged run as failed beside the whole ones, whatever is in its file', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (garbage) => {
        const files = createMemoryFileStore();
        const store = createRunStore(files);
        await store.writeRecord(record());
        await files.write('runs/bad/run.json', garbage);
        const listed = await store.list(never);
        expect(listed.map((run) => [run.id, run.status, run.failure?.code])).toEqual([
          ['run-1', 'completed', undefined],
          ['bad', 'failed', 'bad-file'],
        ]);
      }),
    );
  });

  it('names the field that is wrong, and refuses another format', async () => {
    const files = createMemoryFileStore();
    const store = createRunStore(files);
    const write = (file: unknown) => files.write('runs/run-1/run.json', new TextEncoder().encode(JSON.stringify(file)));
    await write({ format: 1, content: { ...record(), step: 'four' } });
    await expect(store.readRecord('run-1')).rejects.toMatchObject({ code: 'bad-file', message: expect.stringContaining('step') });
    await write({ format: 99, content: record() });
    await expect(store.readRecord('run-1')).rejects.toMatchObject({ message: expect.stringContaining('99') });
    await write({ format: 1, content: record({ id: 'other' }) });
    await expect(store.readRecord('run-1')).rejects.toMatchObject({ message: expect.stringContaining('another run') });
  });

  it('keeps losses that are not numbers as NaN', async () => {
    const store = createRunStore(createMemoryFileStore());
    const broken = { ...Object.fromEntries(['lossTotal', 'lossBenign', 'lossSemantic', 'lossKl', 'meanDistance', 'meanWeight', 'gradNorm'].map((name) => [name, Number.NaN])) };
    const metrics = [{ step: 1, elapsedMs: 1, learningRate: 1, tokens: 1, tokensPerSecond: 1, ...broken }] as unknown as RunRecord['metrics'];
    await store.writeRecord(record({ metrics }));
    expect((await store.readRecord('run-1')).metrics[0]!.lossTotal).toBeNaN();
  });

  it('gives the newest whole state, and the one before when the newest is damaged', async () => {
    const files = createMemoryFileStore();
    const store = createRunStore(files);
    expect(await store.readState('r')).toBeNull();
    for (const step of [5, 10, 15]) await store.writeState('r', step, bytes(step, 1, 2));
    expect(await files.list('runs/r')).toEqual(['runs/r/state-10.bin', 'runs/r/state-15.bin']);
    expect(await store.readState('r')).toEqual({ step: 15, bytes: bytes(15, 1, 2) });
    const newest = (await files.read('runs/r/state-15.bin')) as Uint8Array;
    await files.write('runs/r/state-15.bin', newest.slice(0, -1));
    expect(await store.readState('r')).toEqual({ step: 10, bytes: bytes(10, 1, 2) });
    await files.write('runs/r/state-10.bin', bytes(1));
    await expect(store.readState('r')).rejects.toMatchObject({ code: 'bad-file' });
  });

  it('forgets states and checkpoints of a future that is trained again', async () => {
    const store = createRunStore(createMemoryFileStore());
    await store.writeState('r', 10, bytes(1));
    await store.writeState('r', 20, bytes(2));
    for (const step of [0, 10, 20]) await store.writeCheckpoint('r', step, bytes(step));
    await store.removeAfter('r', 10);
    expect((await store.readState('r'))?.step).toBe(10);
    expect(await store.checkpointSteps('r')).toEqual([0, 10]);
    expect(await store.readCheckpoint('r', 10)).toEqual(bytes(10));
    await expect(store.readCheckpoint('r', 20)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('refuses ids that would leave its folder', async () => {
    const store = createRunStore(createMemoryFileStore());
    for (const id of ['', '..', 'a/b', '../x']) await expect((async () => store.readRecord(id))()).rejects.toMatchObject({ code: 'bad-argument' });
  });

  it('removes a run with all its files and says how large one is', async () => {
    const files = createMemoryFileStore();
    const store = createRunStore(files);
    await store.writeCheckpoint('r', 1, bytes(1, 2, 3));
    expect(await store.sizeBytes('r')).toBe(3);
    await store.remove('r');
    expect(await files.list('runs')).toEqual([]);
  });
});

describe('sealed bytes', () => {
  it('has the CRC-32 of the standard check string', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
  });
  it('opens what it sealed, and notices any changed byte and any cut', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), fc.nat(), fc.integer({ min: 1, max: 255 }), (payload, at, change) => {
        const sealed = sealBytes(payload);
        expect(unsealBytes(sealed, 'x')).toEqual(payload);
        expect(() => unsealBytes(sealed.slice(0, at % sealed.length), 'x')).toThrow(/x is damaged/);
        const broken = sealed.slice();
        broken[at % broken.length]! ^= change;
        expect(() => unsealBytes(broken, 'x')).toThrow(/^x /);
      }),
    );
  });
});
