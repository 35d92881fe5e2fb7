/** Bytes of the first page, in a process of its own: it builds the studio and opens a browser. */
import { measureFirstLoad } from '../firstLoad.ts';
import type { OpenEngine } from './engine.ts';

const open: OpenEngine = () => Promise.resolve({ measure: () => measureFirstLoad() });
export default open;
