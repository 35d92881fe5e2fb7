/** The one function that changes the project: gives the new state, the event as it happened, and its exact inverse. Pure. */
import type { Curation } from '../../../src/records/response.ts';
import type { Project } from './project.ts';
import type { Collection, Documents, ProjectEvent } from './projectEvent.ts';

export interface Applied {
  project: Project;
  /** The event with its places filled in. */
  event: ProjectEvent;
  /** Applied to `project`, this gives the documents before. */
  inverse: ProjectEvent;
}

export function applyProjectEvent(project: Project, event: ProjectEvent): Applied {
  switch (event.type) {
    case 'added':
      return add(project, event);
    case 'removed':
      return remove(project, event.collection, event.ids);
    case 'promptsReplaced': {
      const next = new Map(event.prompts.map((prompt) => [prompt.id, prompt]));
      const before = project.prompts.filter((prompt) => next.has(prompt.id));
      return {
        project: { ...project, prompts: project.prompts.map((prompt) => next.get(prompt.id) ?? prompt) },
        event,
        inverse: { type: 'promptsReplaced', prompts: before },
      };
    }
    case 'curationsSet': {
      const curations: Record<string, Curation> = { ...project.curations };
      const before = event.curations.map(({ responseId }) => ({ responseId, curation: project.curations[responseId] ?? null }));
      for (const { responseId, curation } of event.curations) {
        if (curation) curations[responseId] = curation;
        else delete curations[responseId];
      }
      // The same response may stand twice in one event: undone backwards, the oldest value wins.
      return { project: { ...project, curations }, event, inverse: { type: 'curationsSet', curations: before.reverse() } };
    }
    case 'batch': {
      let state = project;
      const events: ProjectEvent[] = [];
      const inverses: ProjectEvent[] = [];
      for (const part of event.events) {
        const applied = applyProjectEvent(state, part);
        state = applied.project;
        events.push(applied.event);
        inverses.unshift(applied.inverse);
      }
      return { project: state, event: { type: 'batch', events }, inverse: { type: 'batch', events: inverses } };
    }
  }
}

type AddedEvent = Extract<ProjectEvent, { type: 'added' }>;

function add(project: Project, event: AddedEvent): Applied {
  // The three collections differ in nothing that matters here: each is a list of documents with an id.
  const { collection } = event;
  const present = new Set((project[collection] as readonly { id: string }[]).map((document) => document.id));
  const documents: { id: string }[] = [];
  const chosen: number[] = [];
  const places: Record<string, number> = { ...project.places };
  let nextPlace = project.nextPlace;
  event.documents.forEach((document, index) => {
    if (present.has(document.id)) return;
    present.add(document.id);
    const place = event.places?.[index] ?? nextPlace;
    nextPlace = Math.max(nextPlace, place + 1);
    places[document.id] = place;
    documents.push(document);
    chosen.push(place);
  });
  const all = [...(project[collection] as readonly { id: string }[]), ...documents];
  if (event.places) all.sort((a, b) => places[a.id]! - places[b.id]!);
  return {
    project: { ...project, [collection]: all, places, nextPlace },
    event: { type: 'added', collection, documents, places: chosen } as unknown as AddedEvent,
    inverse: { type: 'removed', collection, ids: documents.map((document) => document.id) },
  };
}

function remove(project: Project, collection: Collection, ids: readonly string[]): Applied {
  const gone = new Set(ids);
  const documents = project[collection] as readonly Documents[Collection][];
  const removed = documents.filter((document) => gone.has(document.id));
  const places: Record<string, number> = { ...project.places };
  for (const document of removed) delete places[document.id];
  return {
    project: { ...project, [collection]: documents.filter((document) => !gone.has(document.id)), places },
    event: { type: 'removed', collection, ids: removed.map((document) => document.id) },
    inverse: { type: 'added', collection, documents: removed, places: removed.map((document) => project.places[document.id]!) } as AddedEvent,
  };
}
