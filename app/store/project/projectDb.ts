/** Where the project lives between visits: IndexedDB through Dexie. Knows documents and log rows, not what they mean. */
import Dexie from 'dexie';
import type { Table } from 'dexie';
import type { Prompt } from '../../../src/records/prompt.ts';
import type { Curation, Response } from '../../../src/records/response.ts';
import type { History, LogEntry } from './history.ts';
import type { Project, SavedReport } from './project.ts';
import type { Collection, ProjectEvent } from './projectEvent.ts';

interface Row<D> {
  id: string;
  place: number;
  document: D;
}
interface LogRow extends LogEntry {
  undone: 0 | 1;
}

/** What one deed changes on disk. */
export interface ProjectWrite {
  project: Project;
  /** The event that was just applied. */
  event: ProjectEvent;
  /** Log rows to write. */
  log: readonly { entry: LogEntry; undone: boolean }[];
  dropped: readonly LogEntry[];
}

/** The seam between the store and its disk; tests and the memory fallback bring their own. */
export interface ProjectStorage {
  load(): Promise<{ project: Project; history: History } | null>;
  write(change: ProjectWrite): Promise<void>;
  /** Deletes everything. */
  clear(): Promise<void>;
}

class ProjectDb extends Dexie {
  prompts!: Table<Row<Prompt>, string>;
  responses!: Table<Row<Response>, string>;
  reports!: Table<Row<SavedReport>, string>;
  curations!: Table<Curation, string>;
  log!: Table<LogRow, number>;
  constructor(name: string) {
    super(name);
    this.version(1).stores({ prompts: 'id', responses: 'id', reports: 'id', curations: 'responseId', log: 'seq' });
  }
}

export function openProjectDb(name = 'sidestep-project'): ProjectStorage {
  const db = new ProjectDb(name);
  const tables = [db.prompts, db.responses, db.reports, db.curations, db.log];
  return {
    async load() {
      const [prompts, responses, reports, curations, log] = await db.transaction('r', tables, () =>
        Promise.all([db.prompts.toArray(), db.responses.toArray(), db.reports.toArray(), db.curations.toArray(), db.log.orderBy('seq').toArray()]),
      );
      const byPlace = (a: { place: number }, b: { place: number }) => a.place - b.place;
      const rows = [...prompts, ...responses, ...reports];
      const undone = log.filter((row) => row.undone === 1).sort((a, b) => b.seq - a.seq);
      // Places of undone additions stay taken.
      const places = rows.map((row) => row.place).concat(log.flatMap((row) => [...placesIn(row.event), ...placesIn(row.inverse)]));
      return {
        project: {
          prompts: prompts.sort(byPlace).map((row) => row.document),
          responses: responses.sort(byPlace).map((row) => row.document),
          reports: reports.sort(byPlace).map((row) => row.document),
          curations: Object.fromEntries(curations.map((curation) => [curation.responseId, curation])),
          places: Object.fromEntries(rows.map((row) => [row.id, row.place])),
          nextPlace: places.reduce((highest, place) => Math.max(highest, place + 1), 0),
        },
        history: {
          done: log.filter((row) => row.undone === 0).map(withoutFlag),
          undone: undone.map(withoutFlag),
          nextSeq: (log.at(-1)?.seq ?? 0) + 1,
        },
      };
    },
    async write({ project, event, log, dropped }) {
      await db.transaction('rw', tables, async () => {
        await writeEvent(db, project, event);
        if (dropped.length > 0) await db.log.bulkDelete(dropped.map((entry) => entry.seq));
        if (log.length > 0) await db.log.bulkPut(log.map(({ entry, undone }) => ({ ...entry, undone: undone ? 1 : 0 })));
      });
    },
    async clear() {
      await db.transaction('rw', tables, async () => {
        for (const table of tables) await table.clear();
      });
    },
  };
}

async function writeEvent(db: ProjectDb, project: Project, event: ProjectEvent): Promise<void> {
  switch (event.type) {
    case 'added': {
      const table: Table<Row<unknown>, string> = db[event.collection] as never;
      // Rows whose document was removed again later in the same batch are deleted by that later part.
      await table.bulkPut(event.documents.map((document, index) => ({ id: document.id, place: event.places?.[index] ?? project.places[document.id] ?? 0, document })));
      return;
    }
    case 'removed':
      await (db[event.collection as Collection] as Table<unknown, string>).bulkDelete([...event.ids]);
      return;
    case 'promptsReplaced':
      await db.prompts.bulkPut(event.prompts.filter((prompt) => prompt.id in project.places).map((document) => ({ id: document.id, place: project.places[document.id]!, document })));
      return;
    case 'curationsSet': {
      // The project has the final value of each; an event may name one twice.
      const ids = [...new Set(event.curations.map((part) => part.responseId))];
      const kept = ids.flatMap((id) => project.curations[id] ?? []);
      await db.curations.bulkPut(kept);
      await db.curations.bulkDelete(ids.filter((id) => !project.curations[id]));
      return;
    }
    case 'batch':
      for (const part of event.events) await writeEvent(db, project, part);
  }
}

function placesIn(event: ProjectEvent): readonly number[] {
  if (event.type === 'batch') return event.events.flatMap(placesIn);
  return event.type === 'added' ? (event.places ?? []) : [];
}

function withoutFlag({ undone: _undone, ...entry }: LogRow): LogEntry {
  return entry;
}
