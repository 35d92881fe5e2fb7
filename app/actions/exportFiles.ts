/** Files for the person: the tuned model as a zip, the curated data sets, the report of a run. Nothing leaves this device. */
import type { WeightsRef } from '../../src/protocol/views.ts';
import { exportDatasets, type DatasetFile } from '../../src/records/exportDatasets.ts';
import type { ProjectDocuments } from '../../src/records/projectRecords.ts';
import type { Project } from '../store/project/project.ts';
import { runJob } from './engine.ts';

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
  const result = await runJob('exportModel', { weights }, onStart);
  if (!result) return null;
  const { zipSync } = await import('fflate');
  const folder = toFileName(name);
  // Stored, not compressed: float weights hardly shrink, and packing stays quick.
  const zip = zipSync(Object.fromEntries(result.files.map((file) => [`${folder}/${file.path}`, file.bytes])), { level: 0 });
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
