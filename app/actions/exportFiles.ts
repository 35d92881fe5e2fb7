/** Files for the person: the tuned model or its adapter as a zip or file by file, the curated data sets, the report of a run. Nothing leaves this device. */
import { toFailure } from '../../src/base/errors.ts';
import type { WeightsRef } from '../../src/protocol/views.ts';
import { exportDatasets, type DatasetFile } from '../../src/records/exportDatasets.ts';
import type { ProjectDocuments } from '../../src/records/projectRecords.ts';
import type { Project } from '../store/project/project.ts';
import { studio } from '../store/studio.ts';
import { runJob } from './engine.ts';
import { withLabels } from './labelledReport.ts';
import type { SavedFile } from './zipBlob.ts';

/** The model as it was written, ready to save. */
export interface ExportedModel {
  weights: WeightsRef;
  as: 'merged' | 'adapter';
  /** Of the folder, and of the zip without its ending. */
  folder: string;
  /** Null where it would be larger than a zip can be: save the files one by one. */
  zip: Blob | null;
  files: SavedFile[];
  fingerprint: string;
  /** What the engine says of reading the folder back. */
  verified: string;
}

/** A name that every file system takes. */
export function toFileName(name: string): string {
  return name.replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[-.]+|[-.]+$/g, '') || 'sidestep';
}

/** Writes the merged Hugging Face folder or the PEFT adapter, reads it back to verify it, and packs it. @returns null if it failed or was cancelled */
export async function exportModel(weights: WeightsRef, as: 'merged' | 'adapter', name: string, onStart?: (jobId: string) => void): Promise<ExportedModel | null> {
  const result = await runJob('exportModel', { weights, as }, onStart);
  if (!result) return null;
  const { zipBlob, LARGEST_ZIP } = await import('./zipBlob.ts');
  const folder = toFileName(name);
  const files = result.files.map(toSavedFile);
  const sizeBytes = files.reduce((sum, file) => sum + file.data.size, 0);
  return { weights, as, folder, zip: sizeBytes > LARGEST_ZIP ? null : await zipBlob(files, folder), files, fingerprint: result.fingerprint, verified: result.verified };
}

/** Large files come as Blobs, which a browser may keep on disk; small ones as bytes. */
function toSavedFile({ path, data }: { path: string; data: Uint8Array | Blob }): SavedFile {
  return { path, data: data instanceof Blob ? data : new Blob([data as BlobPart]) };
}

/** The project as the data set writers take it: labels of evaluated answers stay out, they belong to no response. */
export function toDocuments(project: Project): ProjectDocuments {
  const known = new Set(project.responses.map((response) => response.id));
  const promptIds = new Set(project.prompts.map((prompt) => prompt.id));
  return {
    prompts: [...project.prompts],
    responses: project.responses.filter((response) => promptIds.has(response.promptId)),
    curations: Object.values(project.curations).filter((curation) => known.has(curation.responseId)),
  };
}

/** Every data set with its rows; empty ones included, so that a page can say why they are empty. */
export function buildDatasets(project: Project): DatasetFile[] {
  return exportDatasets(toDocuments(project));
}

/** Saves several data sets as one zip. */
export async function saveDatasets(files: readonly DatasetFile[]): Promise<void> {
  const { zipFiles } = await import('../../src/export/zip.ts');
  const encoder = new TextEncoder();
  saveFile('sidestep-datasets.zip', zipFiles(files.map((file) => ({ path: file.path, bytes: encoder.encode(file.text) })), 'datasets'), 'application/zip');
}

/** The report of a run as one self-contained HTML file. @returns null if it could not be made (the person has been told) */
export async function buildRunReport(runId: string): Promise<{ fileName: string; html: string } | null> {
  const { mirror, project } = studio.getState();
  const run = mirror.runs.byId[runId];
  if (!run) return null;
  try {
    const { writeReport } = await import('../../src/export/report.ts');
    const evaluation = project.reports.findLast((saved) => saved.weights.kind === 'run' && saved.weights.runId === runId)?.evaluationId;
    const saved = evaluation ? project.reports.filter((report) => report.evaluationId === evaluation) : [];
    return { fileName: `${toFileName(run.name)}-report.html`, html: writeReport({ run, model: mirror.model, engine: mirror.engine.view, reports: saved.map(({ title, report }) => ({ title, ...withLabels(report, project.curations) })) }) };
  } catch (thrown) {
    studio.notify({ tone: 'unsafe', title: 'The report could not be written', detail: toFailure(thrown).message });
    return null;
  }
}

/** Hands a file to the browser's downloads. */
export function saveFile(fileName: string, content: Uint8Array | Blob | string, type: string): void {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content as BlobPart], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.click();
  // Revoked after the browser has taken the file; at once would cancel the download in some browsers.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
