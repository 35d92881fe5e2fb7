/** Rows that could not be taken: where, and what to do. */
import type { ImportError } from '../../../src/records/importResult.ts';
import styles from './PromptsPage.module.css';

/** More rows than this are summed up. */
const SHOWN = 50;

export function ImportErrors({ errors }: { errors: readonly ImportError[] }) {
  if (errors.length === 0) return null;
  return (
    <div className={styles.errors} tabIndex={0} role="region" aria-label="Errors by row">
      <table>
        <thead>
          <tr>
            <th scope="col">Row</th>
            <th scope="col">Column</th>
            <th scope="col">What is wrong</th>
          </tr>
        </thead>
        <tbody>
          {errors.slice(0, SHOWN).map((error, index) => (
            <tr key={index}>
              <td>{error.row}</td>
              <td>{error.column ?? '–'}</td>
              <td>{error.message}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {errors.length > SHOWN && <p className={styles.what}>and {errors.length - SHOWN} more errors</p>}
    </div>
  );
}
