/**
 * How the Hub is reached: the person's access token and, for mirrors, another address.
 * The token lives in this variable alone: never in drafts, storage, the address or a message, and it is gone with the page.
 */
import type { HubAccess, ModelSource } from '../../src/protocol/jobs.ts';
import { HUB_ADDRESS, isLoopback, problemOfEndpoint } from '../store/modelAddress.ts';
import { studio } from '../store/studio.ts';

let token = '';
const listeners = new Set<() => void>();

export function getToken(): string {
  return token;
}

export function setToken(next: string): void {
  token = next.trim();
  for (const listener of [...listeners]) listener();
}

/** @returns a function that ends the subscription */
export function subscribeToken(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * The Hub's address in use: one on this machine in the page's address (?hub=…), else the one in the settings, else the Hub's own.
 * Not any address of a link: whoever sends a link must not choose where a token goes.
 */
export function hubEndpoint(): string {
  const linked = typeof location === 'undefined' ? null : new URLSearchParams(location.search).get('hub');
  const chosen = (linked !== null && isLoopback(linked) ? linked : null) ?? studio.getState().drafts.engine.hubEndpoint;
  return chosen.trim() === '' || problemOfEndpoint(chosen) !== null ? HUB_ADDRESS : new URL(chosen.trim()).href.replace(/\/$/, '');
}

export function setHubEndpoint(endpoint: string): void {
  studio.edit('engine', { hubEndpoint: endpoint });
}

/** For a job's parameters. The token is for the Hub: no other address gets it. */
export function hubAccess(source: Pick<ModelSource, 'kind'>): HubAccess {
  if (source.kind !== 'hub') return {};
  const endpoint = hubEndpoint();
  return { ...(token === '' ? {} : { token }), ...(endpoint === HUB_ADDRESS ? {} : { endpoint }) };
}
