/** Files for the person: the tuned model as a zip, the curated data sets, the report of a run. Nothing leaves this device. */
import { toFailure } from '../../src/base/errors.ts';
import type { WeightsRef } from '../../src/protocol/views.ts';
import { exportDatasets, type DatasetFile } from '../../src/records/exportDatasets.ts';
import type { ProjectDocuments } from '../../src/records/projectRecords.ts';
import type { Project } from '../store/project/project.ts';
import { studio } from '../store/studio.ts';
import { runJob } from './engine.ts';
import { withLabels } from './labelledReport.ts';

/** The model as it was written, ready to save. */
export interface ExportedModel {
  weights: WeightsRef;
  fileName: string;
  zip: Uint8Array;
  files: { path: string; sizeBytes: number }[];
  fingerprint: string;
  /** What the engine says of reading the folder back. */
  verified: string;
}

/** A name that every file system takes. */
export function toFileName(name: string): string {
  return name.replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[-.]+|[-.]+$/g, '') || 'sidestep';
}

/** Writes the merged Hugging Face folder, reads it back to verify it, and packs it. @returns null if it failed or was cancelled */
export async function exportModel(weights: WeightsRef, name: string, onStart?: (jobId: string) => void): Promise<ExportedModel | null> {
  const result = await runJob('exportModel', { weights, as: 'merged' }, onStart);
  if (!result) return null;
  const { zipFiles } = await import('../../src/export/zip.ts');
  const folder = toFileName(name);
  const zip = zipFiles(result.files, folder);
  return {
    weights,
    fileName: `${folder}.zip`,
    zip,
    files: result.files.map((file) => ({ path: file.path, sizeBytes: file.bytes.byteLength })),
    fingerprint: result.fingerprint,
    verified: result.verified,
  };
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
export function saveFile(fileName: string, content: Uint8Array | string, type: string): void {
  const url = URL.createObjectURL(new Blob([content as BlobPart], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.click();
  // Revoked after the browser has taken the file; at once would cancel the download in some browsers.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
