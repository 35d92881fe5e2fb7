import { describe, expect, it } from 'vitest';
import { sourceOfFiles } from './loadModel.ts';

const file = (path: string) => {
  const made = new File(['x'], path.split('/').at(-1)!);
  Object.defineProperty(made, 'webkitRelativePath', { value: path.includes('/') ? path : '' });
  return made;
};
const paths = (...files: File[]) => {
  const source = sourceOfFiles(files);
  return [source.name, ...source.files.map(({ path }) => path).sort()];
};

describe('a model of one’s own', () => {
  it('takes the folder’s name off the paths, and leaves out what archivers and version control add', () => {
    expect(paths(file('my-lm/config.json'), file('my-lm/model.safetensors'), file('my-lm/.git/HEAD'), file('__MACOSX/my-lm/config.json'))).toEqual(['my-lm', 'config.json', 'model.safetensors']);
  });

  it('takes loose files as a folder without a name', () => {
    expect(paths(file('config.json'), file('model.safetensors'))).toEqual(['own model', 'config.json', 'model.safetensors']);
  });

  it('hands the files over unread, and a zip as it is', () => {
    const zip = file('export.zip');
    expect(sourceOfFiles([zip])).toEqual({ kind: 'files', name: 'export', files: [{ path: 'export.zip', data: zip }] });
    const config = file('config.json');
    expect(sourceOfFiles([config]).files[0]?.data).toBe(config);
  });

  it('says what is missing', () => {
    expect(() => sourceOfFiles([])).toThrow('No files were chosen');
    expect(() => sourceOfFiles([file('model.safetensors')])).toThrow('config.json');
  });
});
