/**
 * The one store: mirror of the engine, project with its history, drafts, notices, route. Vanilla zustand, no React.
 * Each field has one writer: mirror `applyEvents`, project `commit | record | undo | redo`, drafts `edit`. `setState` stays in here.
 */
import { createStore } from 'zustand/vanilla';
import type { StoreApi } from 'zustand/vanilla';
import { toFailure } from '../../src/base/errors.ts';
import type { EngineEvent } from '../../src/protocol/jobs.ts';
import { loadDrafts, saveDrafts } from './drafts/draftsStorage.ts';
import type { TextStorage } from './drafts/draftsStorage.ts';
import { defaultDrafts } from './drafts/drafts.ts';
import type { Drafts, DraftSection } from './drafts/drafts.ts';
import { applyEvent } from './mirror/applyEvent.ts';
import { emptyMirror } from './mirror/mirror.ts';
import type { Mirror } from './mirror/mirror.ts';
import type { Notice } from './notice.ts';
import { applyProjectEvent } from './project/applyProjectEvent.ts';
import { emptyHistory, pushEntry } from './project/history.ts';
import type { History, LogEntry } from './project/history.ts';
import { emptyProject } from './project/project.ts';
import type { Project } from './project/project.ts';
import type { ProjectStorage, ProjectWrite } from './project/projectDb.ts';
import type { ProjectEvent } from './project/projectEvent.ts';
import { parseRoute } from './route.ts';
import type { Route } from './route.ts';

export interface StudioState {
  mirror: Mirror;
  project: Project;
  history: History;
  drafts: Drafts;
  notices: readonly Notice[];
  route: Route;
  /** False until the stored project has been read. */
  restored: boolean;
  /** Why nothing is being saved, if so. */
  storageFailure: string | null;
}

export interface Studio {
  getState: StoreApi<StudioState>['getState'];
  subscribe: StoreApi<StudioState>['subscribe'];
  store: Pick<StoreApi<StudioState>, 'getState' | 'getInitialState' | 'subscribe'>;
  applyEvents(events: readonly EngineEvent[]): void;
  /** A deed of the person: goes into the log, can be undone. */
  commit(title: string, event: ProjectEvent, focus?: string): void;
  /** A fact from outside (finished responses, reports): kept, but not on the undo stack. */
  record(event: ProjectEvent): void;
  /** @returns the deed that was undone, or null if there was none */
  undo(): LogEntry | null;
  redo(): LogEntry | null;
  edit<S extends DraftSection>(section: S, patch: Partial<Drafts[S]>): void;
  notify(notice: Omit<Notice, 'id'>): void;
  dismiss(noticeId: string): void;
  visit(hash: string): void;
  /** Reads what was stored and writes every change from now on. */
  restore(storage: { project: ProjectStorage | null; drafts: TextStorage | null }): Promise<void>;
  /** Resolves when everything done so far is on disk. */
  saved(): Promise<void>;
  /** Writes nothing any more: another tab owns the stored project now. */
  detach(): void;
  /** Deletes project and drafts, in memory and on disk. */
  clear(): Promise<void>;
}

export function createStudio(): Studio {
  const store = createStore<StudioState>()(() => ({
    mirror: emptyMirror,
    project: emptyProject,
    history: emptyHistory,
    drafts: defaultDrafts,
    notices: [],
    route: parseRoute(''),
    restored: false,
    storageFailure: null,
  }));
  const { getState, setState } = store;
  let projectStorage: ProjectStorage | null = null;
  let draftStorage: TextStorage | null = null;
  let writing: Promise<void> = Promise.resolve();
  let noticeCount = 0;

  const notify = (notice: Omit<Notice, 'id'>) => {
    noticeCount += 1;
    setState((state) => ({ notices: [...state.notices.slice(-9), { ...notice, id: `notice-${noticeCount}` }] }));
  };
  const reportStorage = (thrown: unknown) => {
    const { message } = toFailure(thrown);
    if (getState().storageFailure === null) notify({ tone: 'unsafe', title: 'Your work is not being saved', detail: message });
    setState({ storageFailure: message });
  };
  const write = (change: ProjectWrite) => {
    const storage = projectStorage;
    if (storage) writing = writing.then(() => storage.write(change)).catch(reportStorage);
  };

  /** Undo takes from `done` and gives to `undone`; redo the other way round. */
  const step = (from: 'done' | 'undone'): LogEntry | null => {
    const { history, project } = getState();
    const entry = history[from].at(-1);
    if (!entry) return null;
    const back = from === 'done';
    const applied = applyProjectEvent(project, back ? entry.inverse : entry.event);
    // What happened meanwhile (a response that arrived, say) may have changed the other direction: keep the one that fits now.
    const moved: LogEntry = back ? { ...entry, inverse: entry.inverse } : { ...entry, inverse: applied.inverse };
    const to = back ? 'undone' : 'done';
    setState({ project: applied.project, history: { ...history, [from]: history[from].slice(0, -1), [to]: [...history[to], moved] } as History });
    write({ project: applied.project, event: applied.event, log: [{ entry: moved, undone: back }], dropped: [] });
    return moved;
  };

  return {
    getState,
    subscribe: store.subscribe,
    store,
    applyEvents(events) {
      setState((state) => {
        const mirror = events.reduce(applyEvent, state.mirror);
        return mirror === state.mirror ? state : { mirror };
      });
    },
    commit(title, event, focus) {
      const state = getState();
      const applied = applyProjectEvent(state.project, event);
      const { history, entry, dropped } = pushEntry(state.history, { title, at: new Date().toISOString(), event: applied.event, inverse: applied.inverse, focus });
      setState({ project: applied.project, history });
      write({ project: applied.project, event: applied.event, log: [{ entry, undone: false }], dropped });
    },
    record(event) {
      const applied = applyProjectEvent(getState().project, event);
      setState({ project: applied.project });
      write({ project: applied.project, event: applied.event, log: [], dropped: [] });
    },
    undo: () => step('done'),
    redo: () => step('undone'),
    edit(section, patch) {
      const drafts = { ...getState().drafts, [section]: { ...getState().drafts[section], ...patch } };
      setState({ drafts });
      if (!draftStorage) return;
      try {
        saveDrafts(draftStorage, drafts);
      } catch (thrown) {
        reportStorage(thrown);
      }
    },
    notify,
    dismiss(noticeId) {
      setState((state) => ({ notices: state.notices.filter((notice) => notice.id !== noticeId) }));
    },
    visit(hash) {
      setState({ route: parseRoute(hash) });
    },
    async restore(storage) {
      draftStorage = storage.drafts;
      const { drafts, lost } = loadDrafts(storage.drafts);
      setState({ drafts });
      if (lost.length > 0) notify({ tone: 'unsafe', title: 'Some settings could not be read', detail: `Back to defaults: ${lost.join(', ')}.` });
      try {
        const stored = await storage.project?.load();
        if (stored) setState({ project: stored.project, history: stored.history });
        projectStorage = storage.project;
      } catch (thrown) {
        reportStorage(thrown);
      }
      setState({ restored: true });
    },
    saved: () => writing,
    detach() {
      projectStorage = null;
      draftStorage = null;
    },
    async clear() {
      await writing;
      await projectStorage?.clear();
      if (draftStorage) saveDrafts(draftStorage, defaultDrafts);
      setState({ project: emptyProject, history: emptyHistory, drafts: defaultDrafts });
    },
  };
}

/** The studio of this page. */
export const studio = createStudio();
