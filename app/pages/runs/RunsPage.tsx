/** Placeholder of the station Runs. */
import { PageHeader } from '../../components/PageHeader.tsx';

export function RunsPage() {
  return <PageHeader title="Runs" lead="" />;
}
