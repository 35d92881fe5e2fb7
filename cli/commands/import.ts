/** `import`: prompts from a file to full records, with the studio's own importer. */
import { basename } from 'node:path';
import { importPrompts } from '../../src/records/importPrompts.ts';
import { writeProjectRecords } from '../../src/records/projectRecords.ts';
import type { Command } from '../command.ts';
import { UsageError } from '../options.ts';
import { firstError, writeErrors } from '../importErrors.ts';
import { readInputFile, writeOutputFile } from '../outputs.ts';

export const importCommand: Command = {
  usage: 'import --input FILE [--column NAME] --out records.jsonl',
  about: 'Reads prompts from txt, csv, tsv, json, jsonl or full records, and writes full records. Says how many rows were read, kept\nand dropped as duplicates, and what is wrong with which row and column. Good rows are kept when others are bad.',
  options: {
    input: { value: 'FILE', description: 'the file to read', required: true },
    column: { value: 'NAME', description: 'column with the prompts', default: 'found by its name' },
    out: { value: 'FILE', description: 'full records, JSON Lines', required: true },
  },
  async run(values) {
    const input = values.input as string;
    const bytes = await readInputFile(input);
    const result = importPrompts({ fileName: basename(input), bytes }, values.column === undefined ? {} : { column: values.column });
    if (result.prompts.length === 0) throw new UsageError(`${input}: no prompt could be taken from it. ${firstError(result)}`.trim());
    writeErrors(result);
    process.stdout.write(`rows read ${result.rowsRead}, kept ${result.kept}, duplicates ${result.duplicates}, errors ${result.errors.length}\n`);
    const { prompts, responses, curations } = result;
    await writeOutputFile(values.out as string, writeProjectRecords({ prompts, responses, curations }));
  },
};
