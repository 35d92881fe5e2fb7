import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { readModelFiles } from './loadModel.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const file = (path: string, content: string | Uint8Array = 'x') => {
  const made = new File([content as BlobPart], path.split('/').at(-1)!);
  Object.defineProperty(made, 'webkitRelativePath', { value: path.includes('/') ? path : '' });
  return made;
};
const paths = async (...files: File[]) => {
  const folder = await readModelFiles(files);
  return [folder.name, ...folder.files.map(({ path }) => path).sort()];
};

describe('reading a model of one’s own', () => {
  it('takes the folder’s name off the paths', async () => {
    expect(await paths(file('my-lm/config.json'), file('my-lm/model.safetensors'), file('my-lm/.git/HEAD'))).toEqual(['my-lm', 'config.json', 'model.safetensors']);
  });

  it('takes loose files as a folder without a name', async () => {
    expect(await paths(file('config.json'), file('model.safetensors'))).toEqual(['own model', 'config.json', 'model.safetensors']);
  });

  it('unpacks a zip, with or without a folder inside, and leaves out what archivers add', async () => {
    const zip = zipSync({ 'tuned/config.json': bytes('{}'), 'tuned/model.safetensors': bytes('w'), '__MACOSX/tuned/config.json': bytes('') });
    expect(await paths(file('export.zip', zip))).toEqual(['tuned', 'config.json', 'model.safetensors']);
    expect(await paths(file('export.zip', zipSync({ 'config.json': bytes('{}') })))).toEqual(['export', 'config.json']);
  });

  it('says what is missing or broken', async () => {
    await expect(readModelFiles([])).rejects.toMatchObject({ code: 'bad-file' });
    await expect(readModelFiles([file('model.safetensors')])).rejects.toThrow('config.json');
    await expect(readModelFiles([file('broken.zip', 'no zip')])).rejects.toThrow('broken.zip is not a zip');
  });
});
