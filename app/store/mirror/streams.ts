/** Mirror of text while it is generated: pieces are appended; a finished response or the end of its job clears them. */
import type { EngineEvent } from '../../../src/protocol/jobs.ts';
import { streamKey } from './mirror.ts';
import type { StreamsState } from './mirror.ts';

export function reduceStreams(streams: StreamsState, event: EngineEvent): StreamsState {
  switch (event.type) {
    case 'textStreamed': {
      const next: Record<string, StreamsState[string]> = { ...streams };
      for (const piece of event.pieces) {
        const key = streamKey(piece.promptId, piece.sample);
        const known = next[key];
        const text = known?.jobId === event.jobId ? known.text + piece.text : piece.text;
        next[key] = { jobId: event.jobId, promptId: piece.promptId, sample: piece.sample, text };
      }
      return next;
    }
    case 'responsesFinished': {
      const finished = new Set(event.responses.map((response) => streamKey(response.promptId, response.sample)));
      return without(streams, (key) => finished.has(key));
    }
    case 'done':
    case 'failed':
    case 'cancelled':
      return without(streams, (key) => streams[key]?.jobId === event.jobId);
    case 'ready':
      return without(streams, () => true);
    default:
      return streams;
  }
}

function without(streams: StreamsState, drop: (key: string) => boolean): StreamsState {
  const kept = Object.entries(streams).filter(([key]) => !drop(key));
  return kept.length === Object.keys(streams).length ? streams : Object.fromEntries(kept);
}
