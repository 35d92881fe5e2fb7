/** A place to drop files, with buttons to choose them: whole folders too. Gives File objects and reads nothing itself. */
import { useRef, useState } from 'react';
import type { DragEvent, ReactNode } from 'react';
import { Button } from './Button.tsx';
import { cx } from './cx.ts';
import styles from './FileDrop.module.css';

export interface FileDropProps {
  label: ReactNode;
  /** Words of the file button. */
  button: string;
  accept?: string;
  multiple?: boolean;
  /** Words of a second button that chooses a whole folder. */
  folderButton?: string;
  disabled?: boolean;
  onFiles(files: File[]): void;
}

export function FileDrop({ label, button, accept, multiple, folderButton, disabled, onFiles }: FileDropProps) {
  const file = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const take = (input: HTMLInputElement) => {
    const files = [...(input.files ?? [])];
    // So that the same file can be chosen again.
    input.value = '';
    if (files.length > 0) onFiles(files);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    if (!disabled) void filesOf(event.dataTransfer).then((files) => files.length > 0 && onFiles(files));
  };
  return (
    <div
      className={cx(styles.drop, over && styles.over)}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <span className={styles.label}>{label}</span>
      <span className={styles.buttons}>
        <Button size="s" disabled={disabled} onClick={() => file.current?.click()}>
          {button}
        </Button>
        {folderButton && (
          <Button size="s" disabled={disabled} onClick={() => folder.current?.click()}>
            {folderButton}
          </Button>
        )}
      </span>
      <input ref={file} type="file" hidden accept={accept} multiple={multiple} aria-label={button} onChange={(event) => take(event.target)} />
      {folderButton && <input ref={folder} type="file" hidden aria-label={folderButton} {...{ webkitdirectory: '' }} onChange={(event) => take(event.target)} />}
    </div>
  );
}

/** Files of a drop; a dropped folder is walked, and its files carry their path in `webkitRelativePath`. */
async function filesOf(transfer: DataTransfer): Promise<File[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files];
  const files: File[] = [];
  const walk = async (entry: FileSystemEntry): Promise<void> => {
    if (entry.isFile) {
      const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
      Object.defineProperty(file, 'webkitRelativePath', { value: entry.fullPath.replace(/^\//, '') });
      files.push(file);
      return;
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    // readEntries gives at most 100 at a time, and an empty list at the end.
    for (;;) {
      const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
      if (batch.length === 0) return;
      for (const inner of batch) await walk(inner);
    }
  };
  for (const entry of entries) await walk(entry);
  return files;
}
