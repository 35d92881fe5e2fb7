/** Placeholder of the station Evaluate. */
import { PageHeader } from '../../components/PageHeader.tsx';

export function EvaluatePage() {
  return <PageHeader title="Evaluate" lead="" />;
}
