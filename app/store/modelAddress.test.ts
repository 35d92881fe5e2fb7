import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLoopback, parseModelAddress, placeOfSource, problemOfEndpoint } from './modelAddress.ts';

const parse = (text: string, revision = '', endpoint?: string) => {
  const parsed = parseModelAddress(text, revision, endpoint);
  return 'source' in parsed ? parsed.source : parsed.problem;
};
const hub = (id: string, revision = 'main') => ({ kind: 'hub', id, revision });

describe('the address of a model', () => {
  it('takes ids of the Hub, with a revision in the text or in its own field', () => {
    expect(parse(' owner/name ')).toEqual(hub('owner/name'));
    expect(parse('owner/name@v1.0')).toEqual(hub('owner/name', 'v1.0'));
    expect(parse('owner/name@v1.0', 'abc123')).toEqual(hub('owner/name', 'abc123'));
  });

  it('takes pasted pages of the Hub', () => {
    for (const page of ['https://huggingface.co/owner/name', 'huggingface.co/owner/name/', 'hf.co/owner/name', 'https://huggingface.co/owner/name?library=true', 'https://huggingface.co/owner/name/tree/main'])
      expect(parse(page), page).toEqual(hub('owner/name'));
    expect(parse('https://huggingface.co/owner/name/blob/v2/config.json')).toEqual(hub('owner/name', 'v2'));
    expect(parse('https://huggingface.co/owner/name/commit/0123abc')).toEqual(hub('owner/name', '0123abc'));
    expect(parse('http://127.0.0.1:9/owner/name', '', 'http://127.0.0.1:9')).toEqual(hub('owner/name'));
    expect(parse('https://huggingface.co/datasets/owner')).toContain('not a model');
  });

  it('takes any other address as a folder', () => {
    expect(parse('https://example.org/models/tiny')).toEqual({ kind: 'url', name: 'models/tiny', baseUrl: 'https://example.org/models/tiny/' });
    expect(parse('https://example.org/tiny/resolve/main/config.json')).toEqual({ kind: 'url', name: 'tiny', baseUrl: 'https://example.org/tiny/resolve/main/' });
    expect(parse('http://127.0.0.1:8080/a b/')).toEqual({ kind: 'url', name: 'a b', baseUrl: 'http://127.0.0.1:8080/a%20b/' });
  });

  it('says what is wrong with anything else', () => {
    expect(parse('')).toContain('for example');
    expect(parse('gpt2')).toContain('owner/gpt2');
    expect(parse('owner/na me')).toContain('not a model id');
    expect(parse('owner/name@a b')).toContain('not a revision');
    expect(parse('http://example.org/tiny')).toContain('https');
    expect(parse('ftp://example.org/tiny')).toContain('https');
  });

  it('never throws, whatever is typed', () => {
    fc.assert(fc.property(fc.string(), fc.string(), fc.string(), (text, revision, endpoint) => {
      const parsed = parseModelAddress(text, revision, endpoint);
      return 'source' in parsed ? parsed.source.kind === 'hub' || parsed.source.baseUrl.endsWith('/') : parsed.problem !== '';
    }));
  });

  it('lets only https and this machine be another Hub', () => {
    expect(problemOfEndpoint('')).toBeNull();
    expect(problemOfEndpoint('https://hub.example.org')).toBeNull();
    expect(problemOfEndpoint('http://localhost:8080')).toBeNull();
    expect(problemOfEndpoint('http://example.org')).toContain('https');
    expect(problemOfEndpoint('hub')).toContain('whole address');
  });

  it('knows this machine', () => {
    expect(['http://127.0.0.1:8', 'http://localhost', 'http://[::1]:8'].every(isLoopback)).toBe(true);
    expect(['https://127.0.0.1.example.org', 'https://huggingface.co', 'localhost', ''].some(isLoopback)).toBe(false);
  });

  it('names the place of a source', () => {
    expect(placeOfSource({ kind: 'hub', id: 'a/b', revision: 'main' }, undefined)).toBe('huggingface.co');
    expect(placeOfSource({ kind: 'hub', id: 'a/b', revision: 'main' }, 'http://127.0.0.1:9')).toBe('127.0.0.1:9');
    expect(placeOfSource({ kind: 'url', name: 'x', baseUrl: 'https://example.org/x/' }, undefined)).toBe('example.org');
  });
});
